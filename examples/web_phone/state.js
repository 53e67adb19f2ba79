// The state of the page. Call changed() after a change: it draws the page again.
export const state = {
  line: "starting", // of words.lines
  phone: undefined, // what start() of a library gave
  name: undefined, // of this phone
  domain: undefined, // where a bare number is
  buddies: [], // { name, number }
  call: undefined, // the one call, see call.js
  calls: [], // the ended ones, the newest first
  news: undefined, // what has just happened
  problem: undefined,
  canRetry: false,
  needsKey: false,
};

const drawers = [];

export const onChange = (draw) => drawers.push(draw);
export const changed = () => drawers.forEach((draw) => draw());

export function complain(problem, canRetry = false) {
  Object.assign(state, { problem, canRetry });
  changed();
}
