// Numbers as people write them, and SIP addresses.

const separators = /[\s\u00ad\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060-\u2069\u2212\ufeff()[\]{}./-]/g;

// "tel:+49 (0)30 / 123-45" is +493012345. Text with letters or an @ is not a number and stays as it is.
export function clean(text) {
  const number = text.trim().replace(/^tel:/i, "").replace(/^(\+[\d\s]+)\(0\)/, "$1").replace(separators, "");
  return /^[+\d*#]+$/.test(number) ? number : text.trim();
}

export function toTarget(number, domain) {
  if (/^sips?:/i.test(number)) return number;
  if (number.includes("@")) return `sip:${number}`;
  const whole = number.replace(/\p{Surrogate}/gu, "\ufffd"); // half a character cannot be escaped
  return `sip:${encodeURIComponent(whole).replace(/^%2B/, "+")}@${domain}`;
}

// The number that calls this user again, or an address if the user is at another domain. Both libraries have decoded
// the user. It may be missing: sip:anonymous.invalid.
export function toNumber(user, host, domain) {
  if (!user) return host;
  return host === domain ? user : `${user}@${host}`;
}
