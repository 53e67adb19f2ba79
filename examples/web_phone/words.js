// What the page says about an answer of the registrar, the end of a call, and the microphone.
export const refusals = {
  401: "The registrar refused this phone's password.",
  403: "The registrar does not let this phone in.",
  404: "The registrar does not know this phone.",
};
export const endings = {
  404: "No such number", 408: "No answer", 480: "Not available", 484: "The number is not complete",
  486: "Busy", 487: "Cancelled", 488: "No common way to talk", 600: "Busy", 603: "Declined",
};
export const microphoneTroubles = {
  NotAllowedError: "The microphone is blocked. Allow it for this page in the browser's address bar, then call again.",
  NotFoundError: "There is no microphone. Plug one in, then call again.",
  NotReadableError: "Another program keeps the microphone. Close it there, then call again.",
};
