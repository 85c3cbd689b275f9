import { shorten } from '@pixelflow/core/shorten'
import { ParameterError, parseParameters, type ParameterizedValue } from './parse-parameters.ts'

/** The parsed header of a part. */
export interface PartHeader {
  /** Never empty. */
  readonly name: string
  /** Undefined when the part has none. Not a path: it may be any text, also `../x`. */
  readonly fileName: string | undefined
  /** Without parameters, in lower case; undefined when the part has none. */
  readonly mediaType: string | undefined
  /** The `charset` of the media type, in lower case. */
  readonly charset: string | undefined
}

/** The header of a part is invalid; the message is public. */
export class PartHeaderError extends Error {}

const token = /^[!#$%&'*+.^_`|~0-9a-z-]+$/

/**
 * Parses a part header (RFC 7578) as browsers (WHATWG), curl, Python, Java, Go and .NET write it. The text is UTF-8, or
 * Latin-1 if it is not valid UTF-8. A valid `filename*` (RFC 5987) replaces `filename`; an invalid one is ignored.
 * @param block the lines without the empty line at the end
 * @throws PartHeaderError
 */
export function parsePartHeader(block: Uint8Array): PartHeader {
  const fields = fieldsOf(textOf(block))
  const disposition = parametersOf('Content-Disposition', fields.get('content-disposition'))
  if (!disposition) throw new PartHeaderError('A part has no Content-Disposition header.')
  if (disposition.value !== 'form-data')
    throw new PartHeaderError(`A part has the Content-Disposition "${shorten(disposition.value)}".`)
  const name = decodeEscapes(disposition.parameters.get('name') ?? '')
  if (name === '') throw new PartHeaderError('A part has no name in its Content-Disposition header.')
  const encoding = fields.get('content-transfer-encoding')?.trim().toLowerCase() ?? 'binary'
  // RFC 7578 §4.7 deprecates the header. These three values do not change the content.
  if (!['binary', '8bit', '7bit'].includes(encoding)) {
    const detail = `The part "${shorten(name)}" has the Content-Transfer-Encoding "${shorten(encoding)}".`
    throw new PartHeaderError(detail)
  }
  const plain = disposition.parameters.get('filename')
  const extended = decodeExtended(disposition.parameters.get('filename*'))
  const type = mediaTypeOf(fields.get('content-type'))
  return {
    name,
    fileName: extended ?? (plain === undefined ? undefined : decodeEscapes(plain)),
    mediaType: type?.value,
    charset: type?.parameters.get('charset')?.toLowerCase(),
  }
}

function textOf(block: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(block)
  } catch {
    return new TextDecoder('latin1').decode(block)
  }
}

function fieldsOf(text: string): Map<string, string> {
  const fields = new Map<string, string>()
  // A line that starts with a space continues the line before (RFC 5322 §2.2.3). Old mail libraries fold lines.
  for (const line of text.replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    if (line === '') continue
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trimEnd().toLowerCase()
    if (!token.test(name))
      throw new PartHeaderError(`The header of a part has the line "${shorten(line)}", which has no name.`)
    const value = line.slice(colon + 1)
    // oxlint-disable-next-line no-control-regex -- the pattern searches for control characters
    if (/[\0-\x08\x0a-\x1f\x7f]/.test(value))
      throw new PartHeaderError(`The ${name} header of a part has a control character.`)
    if (fields.has(name)) throw new PartHeaderError(`A part has the header ${shorten(name)} twice.`)
    fields.set(name, value)
  }
  return fields
}

function parametersOf(header: string, text: string | undefined): ParameterizedValue | undefined {
  if (text === undefined) return undefined
  try {
    return parseParameters(text, `The ${header} header of a part`)
  } catch (thrown) {
    if (!(thrown instanceof ParameterError)) throw thrown
    throw new PartHeaderError(thrown.message)
  }
}

/** Undefined for an invalid media type: the format is detected from the bytes. */
function mediaTypeOf(text: string | undefined): ParameterizedValue | undefined {
  const type = parametersOf('Content-Type', text)
  return type && /^[^\s/]+\/[^\s/]+$/.test(type.value) ? type : undefined
}

/** The three escapes of WHATWG's form encoding; every other `%` is literal. */
function decodeEscapes(text: string): string {
  return text.replace(/%22|%0D|%0A/gi, (escape) => decodeURIComponent(escape))
}

/** RFC 5987: `utf-8'language'percent-encoded`. Undefined when it is missing or invalid. */
function decodeExtended(text: string | undefined): string | undefined {
  const [, charset, encoded] = /^([\w-]+)'[^']*'((?:%[\da-f]{2}|[^%\s])*)$/i.exec(text ?? '') ?? []
  if (charset === undefined || encoded === undefined) return undefined
  const bytes = Buffer.from(
    encoded.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    'latin1',
  )
  try {
    return new TextDecoder(charset as Bun.Encoding, { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
