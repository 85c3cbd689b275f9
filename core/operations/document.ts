import { formats } from '../format.ts'
import { maxSvgBytes } from '../svg.ts'
import { maxOutputs, maxSteps, operationName } from '../recipe/create-catalogue.ts'
import { parseWith } from '../recipe/parse-with.ts'
import { usageOf } from '../recipe/write-text.ts'
import type { JsonSchema } from '../validation/json-schema.ts'
import { catalogue, operations } from './index.ts'
import type { Operation } from './operation.ts'

/** Generates `docs/recipes.md`, the Markdown reference of recipes. */
export function recipesMarkdown(): string {
  return [
    introduction(),
    textForm(),
    defaults(),
    sources(),
    drawings(),
    outputs(),
    mistakes(),
    ...operations.map(section),
  ]
    .join('\n\n')
    .concat('\n')
}

function introduction(): string {
  return `<!-- Generated from core/operations. Change it there; ./pixelflow verify compares. -->

# Recipes

A recipe says what to do with a picture: a list of steps, done exactly in the order written. The same recipe works in
the REST API, on the command line and in the page, in two forms that mean the same:

\`\`\`
resize:800x600:cover/sharpen/format:webp
\`\`\`

\`\`\`json
${json(sparse('resize:800x600:cover/sharpen/format:webp'))}
\`\`\`

What a step leaves out has a default. \`GET /api/v1/operations\` publishes the schemas of all operations for programs.

| operation | what it does |
|---|---|
${operations.map((operation) => `| [\`${operationName(operation)}\`](#${operationName(operation)}) | ${cell(operation.summary)} |`).join('\n')}

\`orient\` can only be the first step of an output and \`format\` only the last. Everything else may come in any order
and any number of times, up to ${maxSteps} steps an output. Steps are never reordered or dropped: \`crop/resize\` and
\`resize/crop\` are different pictures.`
}

function textForm(): string {
  return `## The short text form

- \`/\` separates steps, \`:\` separates the values of a step.
- Positional values come first, in the order of the usage line, then \`name=value\` for any other parameter.
  An empty value is skipped: \`format::80\` is a quality without a type.
- The bare name of a boolean parameter sets it to true: \`resize:2000:enlarge\`.
- Colours are written without \`#\`: \`background=ffcc00\`.
- Inside a value write \`/ : = %\` percent-encoded: \`%2F %3A %3D %25\`.
- The text form describes one output, named \`default\`. Use JSON for several outputs.`
}

function defaults(): string {
  return `## Defaults

| default | how to change it |
|---|---|
| The picture is turned upright as its file says (EXIF orientation). | \`orient:false\` as the first step |
| Metadata is removed: camera, date and above all the place. | \`format:metadata=keep\` (keeps EXIF and XMP) |
| Colours are converted to sRGB. | \`format:colorspace=keep\` (keeps the colour profile) |
| Nothing is scaled up. | \`resize:…:enlarge\` |
| The result has the source's format; PNG where that cannot be written (${readOnly}). | \`format:webp\`, \`format:avif\`, … |
| Transparent pixels are laid on white where the format has no transparency (JPEG). | \`format:jpeg:background=ffcc00\`, or a format with transparency |

Of an animation, the first frame is used. Results have 8 bits per channel.`
}

function sources(): string {
  return `## Which files are read

An upload is accepted by its first bytes; its encoding is checked when it is processed. An unsupported encoding fails
with \`unsupported_format\`, which names the encoding. A damaged file fails with \`corrupt_image\`.

| format | read | not supported |
|---|---|---|
| JPEG | baseline, progressive, arithmetic, lossless; gray, YCbCr, RGB, CMYK, YCCK; 8 bits | 12 and 16 bits, hierarchical, JPEG-LS, a height stated behind the pixels |
| PNG | all; of APNG the first picture | |
| WebP | all; the first frame | |
| AVIF | 8, 10 and 12 bits, full and limited range, grids, rotation; of a sequence (\`avis\`) its still picture | premultiplied transparency, sequences without a still picture, layers (progressive) that cannot be decoded |
| GIF | all; the first frame, transparent where it leaves its canvas free | |
| TIFF | no compression, LZW, Deflate, PackBits, JPEG, WebP, CCITT, SGI LogLuv; strips and tiles; also BigTIFF; the first page | old-style JPEG, ZSTD, LZMA, LERC, JBIG, JPEG 2000, JPEG XL; tiles of one channel each |
| TIFF, gray | 1, 2, 4, 8, 16 and 32 bits | other depths, signed, complex, floating point (nothing says which number is white) |
| TIFF, RGB | 8, 16 and 32 bits, each channel by itself too; floating point of 16 and 32 bits, taken as linear light with 1 as white | other depths, signed, complex, 32 bits with transparency |
| TIFF, others | palettes; CMYK of 8 and 16 bits; Lab of 16 bits; YCbCr with subsampling or JPEG | Lab of 8 bits, ICC and ITU Lab, other inks, raw camera data |

Whole numbers of 32 bits are scaled to 8. Of a TIFF with several additional channels the first one is its transparency.`
}

function drawings(): string {
  return `## Drawings (SVG)

An SVG has the size that it states, at 96 pixels an inch; without one that of its \`viewBox\`, else 300×150. When a
\`resize\` is the first step that changes it, it is drawn at the size asked for, crisp, also larger than it states; what
comes before (\`flip/resize:800\`) gives it pixels first. Results are PNG unless \`format\` says otherwise.

Before it is drawn it is made safe. **Left out**, and the rest is drawn: scripts, events, animation, \`foreignObject\`,
elements and attributes that are not SVG's, the DOCTYPE, instructions, whatever \`href\`, \`url()\` or \`@import\` would fetch
from elsewhere, and everything in style sheets with an \`@\`. Pictures in it are shown when they stand in the file as
\`data:\` in PNG, JPEG, WebP or GIF. **Refused**: declarations in the DOCTYPE, such as entities
(\`unsupported_format\`; also SVGZ: unpack it first), references in a circle and broken XML (\`corrupt_image\`), more
pixels than are allowed (\`too_many_pixels\`), files over ${maxSvgBytes / 2 ** 20} MiB (\`image_too_large\`), and what comes to far more than drawings do:
elements, also by \`use\` and patterns, depth, filters, text, lines over one another, dashes (\`resource_limit_exceeded\`). Filters and
lines are judged by the size at which the drawing is drawn: \`resize\` to a smaller one where they are too much.

Text is drawn with the fonts of the machine that draws it. A family that is not there is replaced by one that is, and
characters that no font has become boxes; for the same picture everywhere, turn text into paths.`
}

/** Names of the formats that can be read but not written, as the documentation spells them. */
const readOnly = formats
  .filter(({ writable }) => !writable)
  .map(({ id }) => id.toUpperCase())
  .join(', ')

function outputs(): string {
  const recipe = {
    steps: [{ op: 'crop', left: 0, top: 0, width: 3000, height: 2000 }],
    outputs: {
      large: {
        steps: [
          { op: 'resize', width: 1600 },
          { op: 'format', type: 'webp' },
        ],
      },
      thumb: {
        steps: [
          { op: 'resize', width: 200, height: 200, fit: 'cover' },
          { op: 'format', type: 'jpeg' },
        ],
      },
    },
  }
  return `## Several outputs

In JSON one recipe can make up to ${maxOutputs} results. The shared \`steps\` come first, then those of each output:

\`\`\`json
${json(recipe)}
\`\`\`

A name is 1 to 64 of a-z, 0-9, \`_\` and \`-\`, beginning with a letter or digit. Without \`outputs\` the only result is
named \`default\`.`
}

function mistakes(): string {
  return `## Mistakes

A recipe is checked before anything is queued. The answer is a problem with the code \`invalid_recipe\` whose \`field\`
points at the place, such as \`steps[1].sigma\` or \`outputs.thumb.steps[0].width\`, also for the text form, whose
\`detail\` says what is wrong and whose \`remedy\` what may stand there. What only the picture can tell, such as an area
to crop that lies outside of it, fails the task with the code \`processing_failed\` and the same fields.`
}

function section(operation: Operation): string {
  const name = operationName(operation)
  const parameters = Object.entries(catalogue.parameters(name))
  const required = catalogue.jsonSchema(name).required ?? []
  const table = [
    '| parameter | values | default | |',
    '|---|---|---|---|',
    ...parameters.map(
      ([parameter, schema]) =>
        `| \`${parameter}\` | ${values(schema)} | ${fallback(schema, required.includes(parameter))} | ${cell(schema.description ?? '')} |`,
    ),
  ].join('\n')
  return [
    `## ${name}`,
    operation.summary,
    `\`\`\`\n${usageOf(name, catalogue)}\n\`\`\``,
    parameters.length === 0 ? 'It has no parameters.' : table,
    ...(operation.notes === undefined ? [] : [operation.notes]),
    `Examples: ${operation.examples.map((text) => `\`${text}\``).join(' · ')}`,
  ].join('\n\n')
}

function values(schema: JsonSchema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(' ')
  if (schema.format === 'color') return 'colour'
  switch (schema.type) {
    case 'boolean':
      return '`true` `false`'
    case 'integer':
      return `whole number, ${schema.minimum} to ${schema.maximum}`
    case 'number':
      return `number, ${schema.minimum} to ${schema.maximum}`
    default:
      return schema.format === 'image-id' ? 'id of an image' : 'text'
  }
}

function fallback(schema: JsonSchema, isRequired: boolean): string {
  if (schema.default !== undefined) return `\`${String(schema.default)}\``
  return isRequired ? 'needed' : ''
}

/** Parses a recipe and removes the parameters that have their default value. */
function sparse(text: string): unknown {
  const { steps } = parseWith(text, catalogue)
  return {
    steps: steps.map((step) => {
      const parameters = catalogue.parameters(step.op)
      return Object.fromEntries(
        Object.entries(step).filter(([name, value]) => value !== parameters[name]?.default),
      )
    }),
  }
}

/** JSON with one step per line. */
function json(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(/\{\s+("op"[^{}]*?)\s+\}/g, (_, inner: string) => {
    return `{ ${inner.replaceAll(/\s*\n\s*/g, ' ')} }`
  })
}

function cell(text: string): string {
  return text.replaceAll('|', String.raw`\|`)
}
