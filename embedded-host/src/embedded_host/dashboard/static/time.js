/** @file Times in the user's time zone, in UTC or relative to now, and durations. */
import { h } from "./dom.js";

/** The forms of a time that the user can choose. */
export const TIMES = { local: "Local time", utc: "UTC", relative: "Relative to now" };
let form = localStorage.times in TIMES ? localStorage.times : "local";

/** Return the chosen form of times, a key of TIMES. */
export const chosenTimes = () => form;

/** Choose the form of all times, also of those that the page already shows. */
export function chooseTimes(name) {
  form = name in TIMES ? name : "local";
  document.querySelectorAll("time").forEach(drawTime);
}

const two = (n) => String(n).padStart(2, "0");

/** Return a time in UTC, if the user chose UTC, or in the user's time zone. */
export function timeText(ms, fraction) {
  return form === "utc"
    ? utcText(ms).slice(0, fraction ? 23 : 19) + " UTC"
    : localText(ms, fraction);
}

/** Return a local time, with milliseconds if fraction is true. */
export function localText(ms, fraction) {
  const t = new Date(ms);
  const day = `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())}`;
  const time = `${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
  return `${day} ${time}${fraction ? "." + String(t.getMilliseconds()).padStart(3, "0") : ""}`;
}

export const utcText = (ms) => new Date(ms).toISOString().replace("T", " ").replace("Z", " UTC");

/** Return a time like "3 min ago" or "in 5 d". */
function relativeText(ms) {
  const past = Date.now() - ms;
  const size = durationText(Math.floor(Math.abs(past) / 1000) * 1000)
    .split(" ", 2)
    .join(" ");
  return Math.abs(past) < 1000 ? "now" : past > 0 ? `${size} ago` : `in ${size}`;
}

/**
 * Return a time element for milliseconds or an ISO string.
 * If short is true, the date of today is omitted.
 */
export function timeElement(ms, { fraction, short } = {}) {
  return drawTime(
    h("time", {
      datetime: new Date(ms).toISOString(),
      "data-fraction": fraction,
      "data-short": short,
    }),
  );
}

/** Replace the UTC times in a text ("running since 2026-…Z") with time elements. */
export const withTimeElements = (text) =>
  text.split(/(\d{4}-\S+Z)/).map((part, n) => (n % 2 ? timeElement(part) : part));

function drawTime(node) {
  const ms = Date.parse(node.dateTime);
  const { fraction, short } = node.dataset;
  let text = form === "relative" ? relativeText(ms) : timeText(ms, fraction === "");
  if (short === "" && text.startsWith(timeText(Date.now()).slice(0, 11))) text = text.slice(11);
  if (node.textContent !== text) node.textContent = text;
  node.title = form === "local" ? utcText(ms) : `${localText(ms, true)} local, ${utcText(ms)}`;
  return node;
}
setInterval(() => {
  if (form === "relative" && !document.hidden) document.querySelectorAll("time").forEach(drawTime);
}, 1000);

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
export const isoFromInput = (text) =>
  text ? new Date(text + (form === "utc" ? "Z" : "")).toISOString() : "";
/** Convert an ISO string to the value of an <input type=datetime-local>. */
export const inputFromIso = (iso) =>
  iso ? timeText(Date.parse(iso)).slice(0, 19).replace(" ", "T") : "";
