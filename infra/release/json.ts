/** JSON, and how to change parts of it. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export function isObject(json: Json | undefined): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** The same with every value, from the innermost on, as `change` gives it back. */
export function changed(json: Json, change: (part: Json) => Json): Json {
  if (Array.isArray(json)) return change(json.map((part) => changed(part, change)));
  if (!isObject(json)) return change(json);
  return change(Object.fromEntries(Object.entries(json).map(([key, part]) => [key, changed(part, change)])));
}
