/** @file Times in the user's time zone with UTC as tooltip, and durations. */
import { h } from "./dom.js";

const two = (n) => String(n).padStart(2, "0");

/** Return a local time, with milliseconds if fraction is true. */
export function localText(ms, fraction) {
  const t = new Date(ms);
  const day = `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
  const time = `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
  return `${day} ${time}${fraction ? "." + String(t.getMilliseconds()).padStart(3, "0") : ""}`;
}

export const utcText = (ms) => new Date(ms).toISOString().replace("T", " ").replace("Z", " UTC");

/**
 * Return a time element for milliseconds or an ISO string.
 * If short is true, the date of today is omitted.
 */
export function timeElement(ms, { fraction, short } = {}) {
  let text = localText(ms, fraction);
  if (short && text.slice(0, 10) === localText(Date.now()).slice(0, 10)) text = text.slice(11);
  return h("time", { datetime: new Date(ms).toISOString(), title: utcText(ms) }, text);
}

/** Return a duration of ms milliseconds in its two largest units. */
export function durationText(ms) {
  if (ms < 0) return "0 ms";
  if (ms < 9.95) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.95) return `${Math.round(seconds * 10) / 10} s`;
  const [d, hours, m, s] = [
    Math.floor(seconds / 86400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    Math.floor(seconds) % 60,
  ];
  if (d) return `${d} d ${hours} h`;
  return hours ? `${hours} h ${m} min` : `${m} min ${s} s`;
}

/** Convert the value of an <input type=datetime-local> to an ISO string. */
export const isoFromInput = (text) => (text ? new Date(text).toISOString() : "");
/** Convert an ISO string to the value of an <input type=datetime-local>. */
export const inputFromIso = (iso) => (iso ? localText(Date.parse(iso)).replace(" ", "T") : "");
