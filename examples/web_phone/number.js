// Numbers as people write them, and SIP addresses.

const separators = /[\s\u00ad\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060-\u2069\u2212\ufeff()[\]{}./-]/g;

// "tel:+49 (0)30 / 123-45" is +493012345. What has letters or an @ in it is no number, and stays.
export function clean(text) {
  const number = text.trim().replace(/^tel:/i, "").replace(/(?<=^\+[\d\s]+)\(0\)/, "").replace(separators, "");
  return /^[+\d*#]+$/.test(number) ? number : text.trim();
}

export function toTarget(number, domain) {
  return /^sips?:/i.test(number) ? number
    : number.includes("@") ? `sip:${number}` : `sip:${encodeURIComponent(number).replace(/^%2B/, "+")}@${domain}`;
}

// What is dialled to call that user again: a number at home, an address elsewhere.
export function toNumber(user, host, domain) {
  const name = decodeURIComponent(user);
  return host === domain ? name : `${name}@${host}`;
}
