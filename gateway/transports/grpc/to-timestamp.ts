import { timestampFromDate, type Timestamp } from '@bufbuild/protobuf/wkt'

/** Converts a time in ISO 8601 form to a `google.protobuf.Timestamp`. */
export function toTimestamp(iso: string): Timestamp {
  return timestampFromDate(new Date(iso))
}
