import { describe, expect, test } from 'bun:test'
import { svg } from '@pixelflow/testkit/hostile/svg'
import { svgExternalReferences } from '@pixelflow/testkit/hostile/svg-external-references'
import { sampleImage } from '@pixelflow/testkit/images'
import { useFixture } from '@pixelflow/testkit/use-fixture'
import sharp, { type Sharp } from 'sharp'
import { openTransformHarness, type TransformHarness } from '../../../testing/transform-harness.ts'
import { allowDecoders } from '../allow-decoders.ts'

/** Rendered drawings, in this process. */

let harness: TransformHarness
useFixture(openTransformHarness, (opened) => (harness = opened))

const draw = async (bytes: Uint8Array, recipe = 'format:png') => {
  const { file } = await harness.transform(bytes, recipe, { format: 'svg' })
  return pixels(sharp(file))
}
const pixels = async (image: Sharp) => {
  const { data, info } = await image.ensureAlpha().raw().toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, data }
}
/** The rendering of a file that was not sanitised. */
const drawUnsanitised = (bytes: Uint8Array, width?: number) => {
  allowDecoders(['svg'])
  return pixels(width === undefined ? sharp(bytes) : sharp(bytes).resize({ width }))
}
const at = ({ data, width }: { data: Buffer; width: number }, x: number, y: number) => [
  ...data.subarray((y * width + x) * 4, (y * width + x) * 4 + 4),
]

const png = async () => {
  const raw = await sampleImage({ format: 'png', width: 20, height: 10 })
  return `data:image/png;base64,${Buffer.from(raw).toString('base64')}`
}

describe('the sanitiser does not change how a harmless drawing looks', () => {
  const drawings: Readonly<Record<string, () => Promise<string> | string>> = {
    shapes: () =>
      '<rect x="5" y="5" rx="3" width="30" height="20" fill="teal" stroke="#123" stroke-width="2" stroke-dasharray="3 1"/>' +
      '<ellipse cx="60" cy="40" rx="20" ry="10" style="fill:rgba(255,0,0,.5);stroke:hsl(120 50% 50%)"/>' +
      '<polyline points="0,90 20,70 40,90" fill="none" stroke="#00f" stroke-linejoin="round"/>' +
      '<path d="M70 70 C 80 60 90 90 95 70 Z" transform="rotate(10 80 75) scale(1.1)"/>',
    paint: () =>
      '<linearGradient id="a" gradientTransform="rotate(30)"><stop stop-color="red"/><stop offset="1" stop-color="blue"/></linearGradient>' +
      '<radialGradient id="b" xlink:href="#a" cx=".3"/>' +
      '<pattern id="p" width="8" height="8" patternUnits="userSpaceOnUse"><circle cx="4" cy="4" r="3" fill="url(#a)"/></pattern>' +
      `<rect width="50" height="50" fill="url(#a)"/><rect x="50" width="50" height="50" fill="url('#b')"/>` +
      '<rect y="50" width="100" height="50" fill="url(#p) black"/>',
    'clips, masks and markers': () =>
      '<clipPath id="c"><circle cx="30" cy="30" r="25"/></clipPath><mask id="m"><rect width="100" height="50" fill="#888"/></mask>' +
      '<marker id="k" markerWidth="6" markerHeight="6" refX="3" refY="3"><circle cx="3" cy="3" r="3"/></marker>' +
      '<rect width="60" height="60" fill="green" clip-path="url(#c)"/><rect x="50" width="50" height="100" mask="url(#m)"/>' +
      '<path d="M10 80L50 70L90 90" fill="none" stroke="red" marker-start="url(#k)" marker-mid="url(#k)"/>',
    filters: () =>
      '<filter id="f" x="-20%" y="-20%" width="140%" height="140%"><feGaussianBlur in="SourceAlpha" stdDeviation="2" result="s"/>' +
      '<feOffset in="s" dx="3" dy="3"/><feComponentTransfer><feFuncA type="linear" slope=".5"/></feComponentTransfer>' +
      '<feMerge><feMergeNode/><feMergeNode in="SourceGraphic"/></feMerge></filter>' +
      '<circle cx="50" cy="50" r="30" fill="orange" filter="url(#f)"/><rect width="20" height="20" style="filter:blur(2px)"/>',
    'use and symbols': () =>
      '<defs><symbol id="s" viewBox="0 0 10 10"><path d="M0 0L10 10L0 10z"/></symbol><g id="g"><rect width="10" height="10"/></g></defs>' +
      '<use href="#s" x="10" y="10" width="40" height="40" fill="purple"/><use xlink:href="#g" x="60" fill="red"/>' +
      '<svg x="50" y="50" width="40" height="40" viewBox="0 0 4 4"><circle cx="2" cy="2" r="2"/></svg>' +
      '<switch><foreignObject width="1" height="1" requiredExtensions="http://example.org/"/><rect y="90" width="10" height="10"/></switch>',
    'style sheets': () =>
      '<style type="text/css"><![CDATA[ /* a > b */ .a, #x { fill: #c0ffee !important; stroke: black } g > rect.b { opacity: .5 } ' +
      'rect:not(.a) { stroke-width: 3px }]]></style><rect class="a" width="30" height="30"/>' +
      '<g><rect class="b" x="40" width="30" height="30"/></g><rect id="x" y="50" width="30" height="30" fill="red"/>',
    text: () =>
      '<text x="5" y="30" font-family="DejaVu Sans, sans-serif" font-size="14" font-weight="bold">A &lt; B<tspan dy="20" fill="red"> c</tspan></text>' +
      '<text x="50" y="60">see <a xlink:href="https://example.org/"><tspan fill="blue">there</tspan> or here</a></text>' +
      '<text x="50" y="90" text-anchor="middle" xml:space="preserve">a   b</text>',
    'embedded images': async () =>
      `<image width="80" height="40" preserveAspectRatio="none" href="${await png()}"/>`,
  }

  test.each(Object.keys(drawings))('%s', async (name) => {
    const body = (await drawings[name]?.()) ?? ''
    const file = svg(body, 100, '<?xml version="1.0"?><!-- drawn by hand -->')
    expect((await draw(file)).data.equals((await drawUnsanitised(file)).data)).toBe(true)
    expect((await draw(file, 'resize:333')).data.equals((await drawUnsanitised(file, 333)).data)).toBe(true)
  })

  test('a nested svg shown by use has its own size, or the size of use', async () => {
    const nested = (size: string) =>
      `<defs><svg id="n" ${size} viewBox="0 0 10 10"><rect width="10" height="10"/></svg></defs>`
    const cases: readonly (readonly [string, number, number])[] = [
      [`${nested('width="10" height="20"')}<use href="#n" x="5" y="5"/>`, 10, 10],
      [`<use xlink:href="#n" x="5" y="5"/>${nested('width="50%" height="30"')}`, 30, 30],
      [`${nested('width="10" height="10"')}<use href="#n" x="5" y="5" width="30" height="30"/>`, 30, 30],
      [`${nested('width="10" height="30"')}<use href="#n" x="5" y="5" width="30"/>`, 30, 30],
    ]
    for (const [body, width, height] of cases) {
      const raster = await draw(svg(body, 100))
      const dark = [...raster.data.keys()].filter((i) => i % 4 === 3 && raster.data[i] === 255)
      expect([body, dark.length]).toEqual([body, width * height])
    }
  })

  test('only forbidden content is dropped', async () => {
    for (const { name, bytes, end } of svgExternalReferences(9)) {
      if (end !== 'image') continue
      const { width, data } = await draw(bytes)
      const red = [...data.keys()].filter((i) => i % 4 === 1 && data[i] === 0).length
      expect([name, width, red]).toEqual([name, 100, 100])
    }
  })

  test.each(['utf-8', 'utf-16le', 'utf-16be', 'iso-8859-1'])('also in %s', async (encoding) => {
    const text = `<?xml version="1.0" encoding="${encoding.slice(0, 6) === 'utf-16' ? 'utf-16' : encoding}"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g id="é"><rect width="9" height="9" fill="red"/></g><use href="#é"/></svg>`
    const wide = Buffer.from(`\uFEFF${text}`, 'utf16le')
    const files: Readonly<Record<string, Uint8Array>> = {
      'utf-8': Buffer.from(text),
      'utf-16le': wide,
      'utf-16be': Buffer.from(wide).swap16(),
      'iso-8859-1': Buffer.from(text, 'latin1'),
    }
    expect(at(await draw(files[encoding] ?? Buffer.alloc(0)), 4, 4)).toEqual([255, 0, 0, 255])
  })
})

describe('the size of a drawing', () => {
  const bare = (attributes: string, body = '<rect width="100%" height="100%"/>') =>
    Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" ${attributes}>${body}</svg>`)

  test.each([
    ['width="40" height="30"', 'format:png', 40, 30],
    ['width="1in" height="10mm"', 'format:png', 96, 38],
    ['viewBox="0 0 24 12"', 'format:png', 24, 12],
    ['viewBox="-5 -5 24 12" width="100%"', 'format:png', 24, 12],
    ['', 'format:png', 300, 150],
    // An SVG is rendered at the requested size, with or without "enlarge".
    ['viewBox="0 0 24 12"', 'resize:480', 480, 240],
    ['viewBox="0 0 24 12"', 'resize:480:enlarge', 480, 240],
    ['viewBox="0 0 24 12"', 'resize:100x100', 100, 50],
    ['viewBox="0 0 24 12"', 'resize:100x100:cover', 100, 100],
    ['viewBox="0 0 24 12"', 'resize:100x100:contain', 100, 100],
    ['viewBox="0 0 24 12"', 'resize:100x100:fill', 100, 100],
    ['viewBox="0 0 24 12"', 'resize:100x100:outside', 200, 100],
    ['viewBox="0 0 2400 1200"', 'resize:100', 100, 50],
    // After a step that rasterises it, it is like any other image.
    ['viewBox="0 0 24 12"', 'flip/resize:480', 24, 12],
    ['viewBox="0 0 24 12"', 'resize:48/resize:480', 48, 24],
    ['viewBox="0 0 24 12"', 'crop:0:0:12:12/resize:480:enlarge', 480, 480],
  ])('%s, %s', async (attributes, recipe, width, height) => {
    const { metadata } = await harness.transform(bare(attributes), recipe)
    expect([metadata.width, metadata.height]).toEqual([width, height])
  })

  test('is the one that the recipe requests, without a resize of pixels', async () => {
    const edge = bare('viewBox="0 0 4 4"', '<rect x="1" width="1" height="4"/>')
    for (const recipe of [
      'resize:400',
      'resize:400x400:cover',
      'resize:400x400:contain',
      'resize:400/grayscale',
    ]) {
      const shades = new Set((await draw(edge, recipe)).data.filter((_: number, i: number) => i % 4 === 3))
      expect([recipe, [...shades].toSorted((a, b) => a - b)]).toEqual([recipe, [0, 255]])
    }
  })

  test('is limited like that of any image', async () => {
    const code = async (attributes: string, recipe: string) =>
      (await harness.faultOf(bare(attributes), recipe, { maxPixels: 1e6 })).code
    expect(await code('width="2000" height="2000"', 'resize:10')).toBe('too_many_pixels')
    expect(await code('viewBox="0 0 9 9"', 'resize:2000')).toBe('too_many_pixels')
    // Little of it is visible, but all of it would be rendered.
    expect(await code('viewBox="0 0 1 5000"', 'resize:900x900:cover')).toBe('too_many_pixels')
    expect(await code('width="1" height="40000"', 'format:png')).toBe('too_many_pixels')
  })

  test('determines the cost of its filters and lines', async () => {
    const blur = '<filter id="f"><feGaussianBlur stdDeviation="9"/></filter>'.replace('/>', '/>'.repeat(40))
    const filtered = bare(
      'width="6000" height="6000"',
      `${blur}<rect width="99" height="99" filter="url(#f)"/>`,
    )
    expect((await harness.faultOf(filtered, 'format:png')).code).toBe('resource_limit_exceeded')
    expect((await harness.transform(filtered, 'resize:100/format:png')).metadata.width).toBe(100)

    const lines = Array.from({ length: 2500 }, (_, i) => `L${(i * 617) % 5000} ${i % 2 ? 0 : 5000}`).join('')
    const detailed = bare('width="5000" height="5000"', `<path d="M0 0${lines}"/>`)
    const fault = await harness.faultOf(detailed, 'format:png')
    expect(fault.report()).toMatchObject({ code: 'resource_limit_exceeded', remedy: expect.any(String) })
    expect((await harness.transform(detailed, 'resize:64/format:png')).metadata.width).toBe(64)
  })

  test('is chosen for each output', async () => {
    const recipe = {
      steps: [],
      outputs: { large: { steps: [{ op: 'resize', width: 800 }] }, own: { steps: [] } },
    }
    const { files } = await harness.transform(bare('viewBox="0 0 24 12"'), recipe)
    const sizes = await Promise.all(files.map(async (file) => (await sharp(file).metadata()).width))
    expect(sizes).toEqual([800, 24])
  })
})

test('a drawing is written as PNG by default, and flattened on white in formats without transparency', async () => {
  const half = svg('<rect width="50" height="100" fill="red"/>')
  const { metadata } = await harness.transform(half, 'format:metadata=keep')
  expect([metadata.format, metadata.hasAlpha]).toEqual(['png', true])
  expect(at(await draw(half), 75, 50)).toEqual([0, 0, 0, 0])
  expect(at(await draw(half, 'format:jpeg:100'), 75, 50)).toEqual([255, 255, 255, 255])
  for (const type of ['webp', 'avif'] as const) {
    const { metadata } = await harness.transform(half, `format:${type}`)
    expect(metadata.hasAlpha).toBe(true)
  }
})

test('only an SVG is rendered at the requested size', async () => {
  const file = svg('<rect width="9" height="9"/>')
  expect((await harness.faultOf(file, 'flip', { format: 'png' })).code).toBe('unsupported_format')
  allowDecoders(['png'])
  expect(
    await sharp(file)
      .metadata()
      .catch(() => 'switched off'),
  ).toBe('switched off')
})
