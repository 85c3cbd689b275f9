import { computeSvgSize, parseViewBox, type SvgSize } from '@pixelflow/core/svg'
import { SaxesParser, type SaxesAttributeNS, type SaxesTagNS } from 'saxes'
import { allowList } from './allow-list.ts'
import { type DrawingCost } from './drawing-cost.ts'
import { corruptSvg, svgLimits, unsupportedSvg, svgLimitExceeded } from './svg-limits.ts'
import { countLayers } from './count-layers.ts'
import { outlineOf } from './outline.ts'
import { maxScaleOf, Strokes } from './strokes.ts'
import {
  parseDeclaration,
  parseDeclarations,
  parseRules,
  formatDeclarations,
  type Declaration,
  type Rule,
} from './parse-declarations.ts'
import { sizeOfUse, type StatedSize } from './size-of-use.ts'
import { parseDataUrl, escapeXml, isId, parseLocalId, type Embedded } from './sanitise-value.ts'
import { applyOwnDeclaration, addReference, computeCost, type SvgNode } from './compute-cost.ts'

const { coordinates, data, elements, links, images, properties } = allowList

/**
 * SVG sanitiser. It is hand-written because no library does this job: DOMPurify needs a DOM, which a hostile file makes as
 * large as it likes, and bounds no rendering cost. librsvg limits elements and references, but not the cost of filters
 * (one hangs the process in https://github.com/lovell/sharp/issues/2802), style rules and dashes, and its check of
 * external references has failed before (https://gitlab.gnome.org/GNOME/librsvg/-/issues/996). See
 * docs/adr/0013-svg-is-sanitised-before-rendering.md.
 *
 * Remove it when `actors/hostile-svg.test.ts` passes without it: that test sends bombs, external references and extreme
 * numbers through a worker, and checks the time, memory and network that it uses.
 */

const svgSpace = 'http://www.w3.org/2000/svg'
const linkSpace = 'http://www.w3.org/1999/xlink'
const xmlSpace = 'http://www.w3.org/XML/1998/namespace'

/** A drawing that consists of allowed elements and attributes only. */
export interface CleanSvg {
  readonly size: SvgSize
  readonly cost: DrawingCost
  /** Embedded images, whose bytes are not yet checked. */
  readonly embedded: readonly Embedded[]
  /** The sanitised file, with the data URLs of the embedded images; an image without a URL is dropped. */
  text(urls: readonly (string | undefined)[]): string
}

/**
 * Parses an SVG and writes a new one with allowed elements, allowed attributes, and references within the file.
 * Scripts, foreign content, animation and external references are dropped.
 * @throws Fault `corrupt_image` for text that is not XML, not SVG, or that refers to itself, `unsupported_format` for a
 * DOCTYPE with declarations, `resource_limit_exceeded` when a limit is exceeded.
 */
export function sanitise(text: string): CleanSvg {
  const out: string[] = []
  const places: { readonly at: number; readonly image: Embedded }[] = []
  const uses: { readonly at: number; readonly id: string; readonly own: StatedSize }[] = []
  const parts: SvgNode[] = []
  const rules: Rule[] = []
  const strokes = new Strokes()
  let side = 0
  let size: SvgSize | undefined
  let current: SvgNode | undefined
  let depth = 0
  let count = 0
  let attributeCount = 0
  /** Depth of the element that is dropped with its content. */
  let skipFrom: number | undefined
  let sheet: string | undefined
  let textLength = 0
  let allTextLength = 0
  let rootSpace = svgSpace

  const parser = new SaxesParser({ xmlns: true, position: false })
  parser.on('error', (error) => {
    throw corruptSvg('is not well-formed XML', error)
  })
  parser.on('doctype', (doctype) => {
    if (doctype.includes('['))
      throw unsupportedSvg('has declarations in its DOCTYPE, such as entities, which are not allowed')
  })
  parser.on('opentagstart', () => {
    attributeCount = 0
    depth += 1
    count += 1
    if (depth > svgLimits.depth)
      throw svgLimitExceeded(`has elements nested more than ${svgLimits.depth} levels deep`)
    if (count > svgLimits.elements) throw svgLimitExceeded(`has more than ${svgLimits.elements} elements`)
  })
  parser.on('attribute', () => {
    attributeCount += 1
    if (attributeCount > svgLimits.attributes)
      throw svgLimitExceeded(`has an element with more than ${svgLimits.attributes} attributes`)
  })
  parser.on('opentag', (tag) => {
    if (skipFrom !== undefined) return
    if (size === undefined) return openRoot(tag)
    const isOurs = tag.uri === rootSpace && elements.all.has(tag.local)
    // A style sheet must not contain elements.
    if (!isOurs || sheet !== undefined) {
      skipFrom = depth
      return
    }
    if (tag.local !== 'style') return openPart(tag)
    const type = attributeOf(tag, 'type')?.trim().toLowerCase() ?? ''
    if (type === '' || type === 'text/css') sheet = ''
    else skipFrom = depth
  })
  const onText = (text: string) => {
    if (skipFrom !== undefined || current === undefined) return
    if (sheet !== undefined) sheet += text
    else if (isWritten(current)) {
      textLength += text.length
      allTextLength += text.length
      if (textLength > svgLimits.textLength)
        throw svgLimitExceeded(`has a text element with more than ${svgLimits.textLength} characters`)
      if (allTextLength > svgLimits.allTextLength)
        throw svgLimitExceeded(`has more than ${svgLimits.allTextLength} characters of text`)
      out.push(escapeXml(text))
    }
  }
  parser.on('text', onText)
  parser.on('cdata', onText)
  parser.on('closetag', () => {
    depth -= 1
    if (skipFrom !== undefined) {
      if (depth < skipFrom) skipFrom = undefined
    } else if (sheet !== undefined) closeSheet(sheet)
    else closePart()
  })

  const openRoot = (tag: SaxesTagNS) => {
    if (tag.local !== 'svg' || (tag.uri !== svgSpace && tag.uri !== ''))
      throw corruptSvg('has a root element other than svg')
    rootSpace = tag.uri
    const viewBox = attributeOf(tag, 'viewBox')
    size = computeSvgSize({ width: attributeOf(tag, 'width'), height: attributeOf(tag, 'height'), viewBox })
    const box = parseViewBox(viewBox) ?? { x: 0, y: 0, ...size }
    side = Math.max(box.width, box.height)
    const part = partOf(tag)
    const frame = `width="${size.width}" height="${size.height}" viewBox="${box.x} ${box.y} ${box.width} ${box.height}"`
    out.push(`<svg xmlns="${svgSpace}" ${frame}`)
    writeAttributes(tag, part, new Set(['x', 'y', 'width', 'height', 'viewBox']))
    out.push('>')
    current = part
  }
  const openPart = (tag: SaxesTagNS) => {
    const part = partOf(tag)
    current?.children.push(part)
    if (current === undefined || !isWritten(current)) textLength = 0
    out.push(`<${part.tag}`)
    writeAttributes(tag, part)
    out.push('>')
    current = part
  }
  const partOf = (tag: SaxesTagNS): SvgNode => {
    const id = attributeOf(tag, 'id')
    const path = attributeOf(tag, 'd') ?? attributeOf(tag, 'points')
    const outline = outlineOf(tag.local, (name) => attributeOf(tag, name))
    const part: SvgNode = {
      tag: tag.local,
      classes: attributeOf(tag, 'class')?.split(/\s+/) ?? none,
      children: [],
      growth: current?.growth ?? 1,
      scale: (current?.scale ?? 1) * maxScaleOf(attributeOf(tag, 'transform') ?? ''),
      has: 0,
      layers: countLayers(tag.local, (name) => attributeOf(tag, name)),
      ...(current === undefined ? {} : { parent: current }),
      ...(id === undefined ? {} : { id }),
      ...(path === undefined ? {} : { path }),
      ...(outline === undefined ? {} : { outline }),
      ...(tag.local === 'svg' ? { stated: sizeIn(tag) } : {}),
    }
    strokes.noteScale(part.scale)
    parts.push(part)
    return part
  }
  const closePart = () => {
    out.push(`</${current?.tag}>`)
    current = current?.parent
  }
  const closeSheet = (rest: string) => {
    sheet = undefined
    const found = parseRules(rest)
    rules.push(...found)
    for (const { declarations } of found) for (const one of declarations) strokes.note(one)
    if (rules.length > svgLimits.rules) throw svgLimitExceeded(`has more than ${svgLimits.rules} style rules`)
    const text = found
      .map(({ selector, declarations }) => `${selector}{${formatDeclarations(declarations)}}`)
      .join('')
    if (text !== '') out.push(`<style>${escapeXml(text)}</style>`)
  }

  const writeAttributes = (tag: SaxesTagNS, part: SvgNode, without = nothing) => {
    let link: SaxesAttributeNS | undefined
    for (const name in tag.attributes) {
      const attribute = tag.attributes[name] as SaxesAttributeNS
      if (attribute.local === 'href') {
        // `href` takes precedence over `xlink:href` (SVG 2).
        const isNewer = attribute.uri === ''
        if (isNewer || (attribute.uri === linkSpace && link === undefined)) link = attribute
      } else if (!without.has(name)) writeAttribute(attribute, part)
    }
    if (link !== undefined) writeLink(part, link.value, sizeIn(tag))
  }
  const write = (name: string, value: string) => out.push(` ${name}="${escapeXml(value)}"`)

  const writeAttribute = ({ uri, local: name, value }: SaxesAttributeNS, part: SvgNode) => {
    if (value.length > svgLimits.attributeLength && !coordinates.has(name)) return
    if (uri === xmlSpace && (name === 'space' || name === 'lang')) write(`xml:${name}`, value)
    if (uri !== '') return
    if (name === 'id') {
      if (isId(value)) write(name, value)
    } else if (name === 'class' || data.has(name)) write(name, value)
    else if (name === 'style') {
      const found = parseDeclarations(value).filter((one) => isReadable(part, one))
      for (const one of found) {
        strokes.note(one)
        applyOwnDeclaration(part, one)
      }
      if (found.length > 0) write(name, formatDeclarations(found))
    } else if (properties.has(name)) {
      const found = parseDeclaration(name, value)
      if (found === undefined || !isReadable(part, found)) return
      strokes.note(found)
      applyOwnDeclaration(part, found)
      write(name, found.value)
    }
  }
  const writeLink = (part: SvgNode, href: string, own: StatedSize) => {
    const id = links.has(part.tag) ? parseLocalId(href) : undefined
    if (id !== undefined) {
      addReference(part, 'href', id)
      // The size comes first, as attributes do, so that sanitising the result changes nothing.
      if (part.tag === 'use') uses.push({ at: out.push('') - 1, id, own })
      write('href', `#${id}`)
      return
    }
    const image = images.has(part.tag) ? parseDataUrl(href) : undefined
    if (image === undefined) return
    if (places.length >= svgLimits.images)
      throw svgLimitExceeded(`has more than ${svgLimits.images} embedded images`)
    places.push({ at: out.length, image })
    out.push('')
  }

  parser.write(text)
  parser.close()
  const [root] = parts
  if (size === undefined || root === undefined) throw corruptSvg('is empty')
  const sizes = new Map<string, StatedSize | undefined>()
  for (const { id, stated } of uses.length === 0 ? [] : parts)
    if (id !== undefined && !sizes.has(id)) sizes.set(id, stated)
  for (const { at, id, own } of uses) out[at] = sizeOfUse(own, sizes.get(id))
  const { layers, canvases, perRow, fixed } = computeCost(root, parts, rules, (outline) =>
    strokes.costOf(outline, side),
  )
  return {
    size,
    cost: { layers, canvases, perRow, fixed },
    embedded: places.map(({ image }) => image),
    text(urls) {
      const whole = [...out]
      for (const [i, { at }] of places.entries()) {
        const url = urls[i]
        if (url !== undefined) whole[at] = ` href="${url}"`
      }
      return whole.join('')
    },
  }
}

/** Limits the growth of the font size over nested elements. */
function isReadable(part: SvgNode, { growth }: Declaration): boolean {
  if (growth <= 1) return true
  if (part.growth * growth > svgLimits.fontGrowth) return false
  part.growth *= growth
  return true
}

/** Whether the text of an element is shown, which includes a link within a text. */
function isWritten({ tag, parent }: SvgNode): boolean {
  return elements.textContent.has(tag) || (tag === 'a' && parent !== undefined && isWritten(parent))
}

const none: readonly string[] = []
const nothing: ReadonlySet<string> = new Set()

/** Overlong size attributes are dropped. */
function sizeIn(tag: SaxesTagNS): StatedSize {
  const [width, height] = [attributeOf(tag, 'width'), attributeOf(tag, 'height')]
  return {
    ...(width === undefined || width.length > 100 ? {} : { width }),
    ...(height === undefined || height.length > 100 ? {} : { height }),
  }
}

function attributeOf(tag: SaxesTagNS, name: string): string | undefined {
  return tag.attributes[name]?.value
}
