import { SaxesParser, type SaxesAttributeNS, type SaxesTagNS } from 'saxes'

/** Namespaces of embedded images, and of announcements of files appended to the original. */
const dropped: readonly string[] = [
  // Gain maps, and the layout of the original file.
  'http://ns.adobe.com/hdr-gain-map/',
  'http://ns.apple.com/HDRGainMap/',
  'http://ns.apple.com/pixeldatainfo/',
  'http://ns.google.com/photos/1.0/container/',
  // Motion photos, depth maps, and other images of the same moment.
  'http://ns.google.com/photos/1.0/camera/',
  'http://ns.google.com/photos/1.0/image/',
  'http://ns.google.com/photos/1.0/audio/',
  'http://ns.google.com/photos/1.0/depthmap/',
  'http://ns.google.com/photos/dd/',
  // Thumbnails, and the name of an extended XMP block, which is not kept.
  'http://ns.adobe.com/xap/1.0/g/img/',
  'http://ns.adobe.com/xmp/note/',
]

/** Single properties: thumbnails, and values that EXIF holds or that are no longer true. */
const droppedProperties: ReadonlySet<string> = new Set([
  'http://ns.adobe.com/xap/1.0/Thumbnails',
  ...['Orientation', 'ImageWidth', 'ImageLength'].map((name) => `http://ns.adobe.com/tiff/1.0/${name}`),
  ...['PixelXDimension', 'PixelYDimension', 'MakerNote'].map(
    (name) => `http://ns.adobe.com/exif/1.0/${name}`,
  ),
])

/** Base64 prefixes of JPEG and PNG files. */
const embeddedImage = /^\s*(\/9j\/|iVBORw0KGgo)/

const maxLength = 1024 * 1024
const maxDepth = 100

/**
 * XMP without embedded images and without references to parts that the result lacks; undefined when the XMP is invalid.
 */
export function filterXmp(text: string): string | undefined {
  if (text.length > maxLength) return undefined
  const out: string[] = []
  let depth = 0
  /** Depth of the element that is dropped with its content. */
  let skipFrom: number | undefined
  const parser = new SaxesParser({ xmlns: true, position: false })
  const stop = (error: Error) => {
    throw error
  }
  parser.on('error', stop)
  parser.on('doctype', () => stop(new Error('XMP must not have a DOCTYPE')))
  parser.on('opentag', (tag) => {
    depth += 1
    if (depth > maxDepth) stop(new Error('XMP is nested too deeply'))
    if (skipFrom === undefined && isDropped(tag)) skipFrom = depth
    if (skipFrom === undefined) out.push(formatStartTag(tag))
  })
  const write = (content: string) => {
    if (skipFrom === undefined && depth > 0 && !embeddedImage.test(content)) out.push(escapeText(content))
  }
  parser.on('text', write)
  parser.on('cdata', write)
  parser.on('closetag', (tag) => {
    if (skipFrom === undefined) out.push(`</${tag.name}>`)
    else if (skipFrom === depth) skipFrom = undefined
    depth -= 1
  })
  try {
    parser.write(text.replace(/^\uFEFF/, '').replace(/[\0\s]+$/, '')).close()
  } catch {
    return undefined
  }
  // The packet wrapper, by which programs find XMP in any file format.
  const written = out.join('')
  return written === ''
    ? undefined
    : `<?xpacket begin="\uFEFF" id="W5M0MpCehiHzreSzNTczkc9d"?>${written}<?xpacket end="r"?>`
}

function isDropped({ uri, local }: { readonly uri: string; readonly local: string }): boolean {
  return dropped.some((start) => uri.startsWith(start)) || droppedProperties.has(`${uri}${local}`)
}

function formatStartTag({ name, attributes }: SaxesTagNS): string {
  const kept = Object.values(attributes).filter((attribute) => !isDroppedAttribute(attribute))
  return `<${name}${kept.map(({ name: key, value }) => ` ${key}="${escapeText(value)}"`).join('')}>`
}

function isDroppedAttribute(attribute: SaxesAttributeNS): boolean {
  const { prefix, value } = attribute
  if (prefix === 'xmlns') return dropped.some((start) => value.startsWith(start))
  return isDropped(attribute) || embeddedImage.test(value)
}

function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
}
