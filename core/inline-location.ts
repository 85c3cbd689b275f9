/**
 * The location of a short blob that is not in the store: the bytes themselves. A reader of the record that the location is
 * part of has the bytes, and they are gone with it.
 */
const prefix = 'inline:'

export function inlineLocation(bytes: Uint8Array): string {
  return `${prefix}${bytes.toBase64()}`
}

export function isInlineLocation(location: string | undefined): boolean {
  return location?.startsWith(prefix) ?? false
}

/** The bytes that a location contains; undefined when it tells a place in the store. */
export function bytesAtLocation(location: string | undefined): Uint8Array | undefined {
  if (location === undefined || !isInlineLocation(location)) return undefined
  return Uint8Array.fromBase64(location.slice(prefix.length))
}

/** The record without its location, if that contains the bytes: for a copy that outlives them. */
export function omitInlineBytes<T extends { readonly location?: string | undefined }>(record: T): T {
  if (!isInlineLocation(record.location)) return record
  const { location: _, ...rest } = record
  return rest as T
}
