"""A Pipecat bot answers a phone: siperb does the signalling, and Pipecat's own WebRTC transport the media.

Needs `pip install siperb "pipecat-ai[webrtc]"`, and your services in `services`.
"""

import asyncio

from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.transports.base_transport import TransportParams
from pipecat.transports.smallwebrtc.connection import SmallWebRTCConnection
from pipecat.transports.smallwebrtc.transport import SmallWebRTCTransport
from pipecat.workers.runner import WorkerRunner

from siperb import AsyncSiperb
from siperb.phone import IncomingCall, Phone


def services() -> list[FrameProcessor]:
    return []  # for each call: speech recognition, a language model, a voice


async def talk(call: IncomingCall) -> None:
    connection = SmallWebRTCConnection()
    await connection.initialize(call.offer, "offer")
    await call.answer_with(connection.get_answer()["sdp"])
    await connection.connect()
    line = SmallWebRTCTransport(connection, TransportParams(audio_in_enabled=True, audio_out_enabled=True))
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(PipelineWorker(Pipeline([line.input(), *services(), line.output()])))
    running = asyncio.create_task(runner.run())
    await call.ended()
    await runner.cancel()
    await running


async def main() -> None:
    async with AsyncSiperb(strict=True) as client:
        device, *_ = await client.get_devices()
        async with Phone(await client.get_provisioning(device.device_token), client.session) as phone:
            await asyncio.gather(*[asyncio.create_task(talk(call)) async for call in phone])


asyncio.run(main())
