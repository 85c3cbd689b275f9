import { corruptSvg } from './svg-limits.ts'

const encodings: ReadonlySet<string> = new Set([
  'utf-8',
  'utf8',
  'us-ascii',
  'ascii',
  'iso-8859-1',
  'latin1',
  'iso-8859-15',
  'windows-1250',
  'windows-1251',
  'windows-1252',
])

/** Decodes an XML file by its byte order mark or its encoding declaration. @throws Fault `corrupt_image`. */
export function decodeXml(bytes: Uint8Array): string {
  const label = encodingOf(bytes)
  try {
    // The runtime supports more encodings than the types declare.
    return new TextDecoder(label as 'utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw corruptSvg(`has bytes that are not valid in its encoding (${label})`, error)
  }
}

function encodingOf(bytes: Uint8Array): string {
  const [first, second] = bytes
  if (first === 0xff && second === 0xfe) return 'utf-16le'
  if (first === 0xfe && second === 0xff) return 'utf-16be'
  const head = new TextDecoder('latin1').decode(bytes.subarray(0, 200))
  const [, stated = 'utf-8'] =
    /^(?:\u00EF\u00BB\u00BF)?\s*<\?xml\s[^>]*?encoding\s*=\s*["']([\w.:-]+)["']/.exec(head) ?? []
  const label = stated.toLowerCase()
  if (encodings.has(label)) return label
  throw corruptSvg(`declares the encoding ${stated.slice(0, 40)}, which is not supported`)
}
