/**
 * Detects an SVG and its size from its first bytes, without an XML parser. The worker that renders the SVG parses and
 * sanitises it.
 */

/** Largest SVG in bytes, because it is parsed as a whole. Large drawings have one or two MiB. */
export const maxSvgBytes = 8 * 1024 * 1024

/** Whether the file is an SVG; undefined if these bytes are too few to decide. */
export function beginsAsSvg(head: Uint8Array): boolean | undefined {
  const root = rootIn(textOf(head))
  return typeof root === 'object' ? root.name === 'svg' : root
}

/** The size in the first bytes of an SVG; undefined if they do not contain it. */
export function readSvgSize(head: Uint8Array): SvgSize | undefined {
  const text = textOf(head)
  const root = rootIn(text)
  return typeof root === 'object' ? computeSvgSize(attributesAt(text, root.end)) : undefined
}

/** Whether the file is compressed with gzip, like `.svgz`. */
export function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b
}

export interface SvgSize {
  /** Pixels, whole. */
  readonly width: number
  readonly height: number
}

/** The `viewBox` attribute. */
export interface ViewBox {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** Attributes of the root element that determine its size. */
export interface SvgSizing {
  readonly width?: string | undefined
  readonly height?: string | undefined
  readonly viewBox?: string | undefined
}

/**
 * The size at which a browser shows the SVG as an image, at 96 pixels per inch. A missing side follows from the
 * `viewBox`, or is 300 wide or 150 high without one. The size may exceed what can be rendered. Undefined if `stated` is
 * undefined, because the root element is not complete.
 */
export function computeSvgSize(stated: SvgSizing): SvgSize
export function computeSvgSize(stated: SvgSizing | undefined): SvgSize | undefined
export function computeSvgSize(stated: SvgSizing | undefined): SvgSize | undefined {
  if (stated === undefined) return undefined
  const box = parseViewBox(stated.viewBox)
  const width = lengthOf(stated.width)
  const height = lengthOf(stated.height)
  const ratio = box && box.width / box.height
  return {
    width: whole(width ?? (height !== undefined && ratio ? height * ratio : (box?.width ?? 300))),
    height: whole(height ?? (width !== undefined && ratio ? width / ratio : (box?.height ?? 150))),
  }
}

/** Parses a `viewBox`; undefined if it is invalid or empty. */
export function parseViewBox(text: string | undefined): ViewBox | undefined {
  const numbers = (text ?? '')
    .trim()
    .split(/[\s,]+/)
    .map(Number)
  const [x = Number.NaN, y = Number.NaN, width = Number.NaN, height = Number.NaN] = numbers
  const isBox = numbers.length === 4 && numbers.every(Number.isFinite) && width > 0 && height > 0
  return isBox ? { x, y, width, height } : undefined
}

/** Pixels per unit. Percentages are not supported, because they refer to a page. */
const units: Readonly<Record<string, number>> = {
  '': 1,
  px: 1,
  pt: 96 / 72,
  pc: 16,
  in: 96,
  cm: 96 / 2.54,
  mm: 96 / 25.4,
  q: 96 / 101.6,
  em: 16,
  rem: 16,
  ex: 8,
}

function lengthOf(text = ''): number | undefined {
  const [, number, unit = ''] =
    text.length > 100 ? [] : (/^\s*\+?(\d*\.?\d+(?:e[+-]?\d{1,3})?)([a-z]*)\s*$/i.exec(text) ?? [])
  const pixels = Number(number) * (units[unit.toLowerCase()] ?? Number.NaN)
  return pixels > 0 && Number.isFinite(pixels) ? pixels : undefined
}

function whole(pixels: number): number {
  return Math.max(1, Math.round(pixels))
}

/** Decodes the first bytes. Only ASCII matters here, so Latin-1 suffices, except for UTF-16 with a byte order mark. */
function textOf(head: Uint8Array): string {
  const [first, second] = head
  if (first === 0xff && second === 0xfe) return utf16(head, 1)
  if (first === 0xfe && second === 0xff) return utf16(head, 0)
  const marks = [0xef, 0xbb, 0xbf]
  if (head.length < 3 && head.every((byte, i) => byte === marks[i] || byte >= 0xfe)) return ''
  const isMarked = marks.every((byte, i) => byte === head[i])
  return new TextDecoder('latin1').decode(isMarked ? head.subarray(3) : head)
}

/** Decodes the complete UTF-16 code units after the byte order mark. */
function utf16(bytes: Uint8Array, highAt: 0 | 1): string {
  const codes = new Uint16Array((bytes.length - 2) >> 1)
  for (const i of codes.keys()) {
    const at = 2 + 2 * i
    codes[i] = ((bytes[at + highAt] ?? 0) << 8) | (bytes[at + 1 - highAt] ?? 0)
  }
  return new TextDecoder('utf-16').decode(codes)
}

/**
 * The local name of the root element and the index after it. False if the text is not XML, undefined if it ends too
 * early. Skips an XML declaration, comments, processing instructions, white space and a DOCTYPE.
 */
function rootIn(text: string): { readonly name: string; readonly end: number } | false | undefined {
  for (let at = 0; ;) {
    at = skipSpace(text, at)
    const rest = text.slice(at, at + 9)
    if (rest === '') return undefined
    if (!rest.startsWith('<')) return false
    const next = rest.startsWith('<!DOCTYPE')
      ? doctypeEnd(text, at)
      : rest.startsWith('<!--')
        ? after(text, '-->', at + 4)
        : rest.startsWith('<?')
          ? after(text, '?>', at + 2)
          : undefined
    if (next === -1) return undefined
    if (next !== undefined) at = next
    else if (['<', '<!', '<!-'].includes(rest) || (rest.length < 9 && '<!DOCTYPE'.startsWith(rest)))
      return undefined
    else return nameAt(text, at + 1)
  }
}

function nameAt(
  text: string,
  at: number,
): { readonly name: string; readonly end: number } | false | undefined {
  const tag = /[A-Za-z_][\w.-]{0,63}(?::[A-Za-z_][\w.-]{0,63})?/y
  tag.lastIndex = at
  const [found] = tag.exec(text) ?? []
  if (found === undefined) return false
  const end = at + found.length
  // A name at the end of the text may be incomplete.
  if (end === text.length || (end + 1 === text.length && text.endsWith(':'))) return undefined
  if (!/[\s/>]/.test(text.charAt(end))) return false
  return { name: found.slice(found.indexOf(':') + 1), end }
}

function after(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from)
  return found === -1 ? -1 : found + mark.length
}

function skipSpace(text: string, from: number): number {
  let at = from
  while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at += 1
  return at
}

/** The index after a DOCTYPE, which may have declarations in brackets; -1 if its end is missing. */
function doctypeEnd(text: string, from: number): number {
  const parts = /"[^"]*"|'[^']*'|<!--[\s\S]*?-->|["']|<!--|[[\]>]/g
  parts.lastIndex = from + 2
  let depth = 0
  for (let part = parts.exec(text); part !== null; part = parts.exec(text)) {
    if (['"', "'", '<!--'].includes(part[0])) return -1
    if (part[0] === '[') depth += 1
    else if (part[0] === ']') depth -= 1
    else if (part[0] === '>' && depth <= 0) return parts.lastIndex
  }
  return -1
}

/** The attributes of a tag that determine the size; undefined if the end of the tag is missing. */
function attributesAt(text: string, from: number): SvgSizing | undefined {
  const parts = /\s*(?:([^\s=>"'/]+)\s*=\s*(?:"([^"]*)"|'([^']*)')|(\/?>)|[^\s=>"'/]+|[=/])/y
  parts.lastIndex = from
  const found: { width?: string; height?: string; viewBox?: string } = {}
  for (let part = parts.exec(text); part !== null; part = parts.exec(text)) {
    const [, name, quoted, single, end] = part
    if (end !== undefined) return found
    if (name === 'width' || name === 'height' || name === 'viewBox') found[name] = quoted ?? single ?? ''
  }
  return undefined
}
