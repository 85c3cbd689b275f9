import { Fault } from '@pixelflow/core/fault'

/** An encoding that our decoders do not support. `what` is a sentence about the file without its full stop. */
export function unsupportedEncoding(what: string, remedy: string): Fault {
  return new Fault('unsupported_format', `${what}.`, { remedy })
}
