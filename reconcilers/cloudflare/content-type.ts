/** Media types of static assets by extension, as browsers expect them (IANA registry; the `mime` package that wrangler uses). */
import { posix } from "node:path";

const types: Readonly<Record<string, string>> = Object.freeze({
  html: "text/html",
  htm: "text/html",
  css: "text/css",
  js: "text/javascript",
  mjs: "text/javascript",
  cjs: "application/node",
  json: "application/json",
  map: "application/json",
  webmanifest: "application/manifest+json",
  xml: "text/xml",
  rss: "application/rss+xml",
  atom: "application/atom+xml",
  txt: "text/plain",
  md: "text/markdown",
  csv: "text/csv",
  ics: "text/calendar",
  vtt: "text/vtt",
  yaml: "text/yaml",
  yml: "text/yaml",
  svg: "image/svg+xml",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  ico: "image/vnd.microsoft.icon",
  bmp: "image/bmp",
  tif: "image/tiff",
  tiff: "image/tiff",
  woff: "font/woff",
  woff2: "font/woff2",
  ttf: "font/ttf",
  otf: "font/otf",
  eot: "application/vnd.ms-fontobject",
  mp3: "audio/mpeg",
  ogg: "audio/ogg",
  wav: "audio/wav",
  m4a: "audio/mp4",
  mp4: "video/mp4",
  webm: "video/webm",
  mov: "video/quicktime",
  pdf: "application/pdf",
  wasm: "application/wasm",
  zip: "application/zip",
  gz: "application/gzip",
});

/**
 * The type that a file is served as; text types say that they are UTF-8.
 * @returns `application/null` for an extension that is not known: Cloudflare then serves it without a type, as for wrangler
 */
export function contentTypeOf(name: string): string {
  const type = types[posix.extname(name).slice(1).toLowerCase()];
  if (type === undefined) return "application/null";
  return type.startsWith("text/") ? `${type}; charset=utf-8` : type;
}
