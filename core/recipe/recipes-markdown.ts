import { formats } from '../format.ts'
import { maxSvgBytes } from '../svg.ts'
import { maxOutputs, maxSteps, operationName } from './create-catalogue.ts'
import { parseWith } from './parse-with.ts'
import { formatUsage } from './write-text.ts'
import type { JsonSchema } from '../validation/json-schema.ts'
import { catalogue, operations } from '../operations/index.ts'
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

A recipe is a list of steps, applied to an image exactly in the order written. The same recipe works in the REST API,
over gRPC, on the command line and on the web page, in two equivalent forms:

\`\`\`
resize:800x600:cover/sharpen/format:webp
\`\`\`

\`\`\`json
${json(sparse('resize:800x600:cover/sharpen/format:webp'))}
\`\`\`

Omitted parameters have defaults. \`GET /api/v1/operations\` returns the JSON Schemas of all operations.

| operation | what it does |
|---|---|
${operations.map((operation) => `| [\`${operationName(operation)}\`](#${operationName(operation)}) | ${escapePipes(operation.summary)} |`).join('\n')}

\`orient\` can only be the first step of an output and \`format\` only the last. All other steps can be used in any order and
any number of times, up to ${maxSteps} steps per output. Steps are never reordered or dropped: \`crop/resize\` and
\`resize/crop\` give different images.`
}

function textForm(): string {
  return `## The short text form

- \`/\` separates steps, \`:\` separates the values of a step.
- Positional values come first, in the order of the usage line, then \`name=value\` for any other parameter.
  An empty value is skipped: \`format::80\` sets the quality without a type.
- The bare name of a boolean parameter sets it to true: \`resize:2000:enlarge\`.
- Colours are written without \`#\`: \`background=ffcc00\`.
- Inside a value write \`/ : = %\` percent-encoded: \`%2F %3A %3D %25\`.
- The text form describes one output, named \`default\`. Use JSON for several outputs.`
}

function defaults(): string {
  return `## Defaults

| default | how to change it |
|---|---|
| The image is rotated upright by its EXIF orientation. | \`orient:false\` as the first step |
| Metadata is removed: camera, date and location. | \`format:metadata=keep\` (keeps EXIF and XMP) |
| Colours are converted to sRGB. | \`format:colorspace=keep\` (keeps the colour profile) |
| Images are never enlarged. | \`resize:…:enlarge\` |
| The result has the format of the source, or PNG if it cannot be written (${readOnly}). | \`format:webp\`, \`format:avif\`, … |
| Transparent pixels are flattened onto white if the format has no transparency (JPEG). | \`format:jpeg:background=ffcc00\`, or a format with transparency |

Of an animation, the first frame is used. Results have 8 bits per channel.`
}

function sources(): string {
  return `## Which files are read

An upload is accepted by its first bytes; its encoding is checked when it is processed. An unsupported encoding fails
with \`unsupported_format\`, which names the encoding. A damaged file fails with \`corrupt_image\`.

| format | read | not supported |
|---|---|---|
| JPEG | baseline, progressive, arithmetic, lossless; gray, YCbCr, RGB, CMYK, YCCK; 8 bits | 12 and 16 bits, hierarchical, JPEG-LS, a height defined after the scan (DNL) |
| PNG | all; the first frame of an APNG | |
| WebP | all; the first frame | |
| AVIF | 8, 10 and 12 bits, full and limited range, grids, rotation; the still image of a sequence (\`avis\`) | premultiplied transparency, sequences without a still image, layers (progressive) that cannot be decoded |
| GIF | all; the first frame, transparent outside of it | |
| TIFF | no compression, LZW, Deflate, PackBits, JPEG, WebP, CCITT, SGI LogLuv; strips and tiles; also BigTIFF; the first page | old-style JPEG, ZSTD, LZMA, LERC, JBIG, JPEG 2000, JPEG XL; tiles in planar configuration |
| TIFF, gray | 1, 2, 4, 8, 16 and 32 bits | other depths, signed, complex, floating point (the value of white is undefined) |
| TIFF, RGB | 8, 16 and 32 bits, chunky or planar; floating point of 16 and 32 bits, as linear light with 1 as white | other depths, signed, complex, 32 bits with transparency |
| TIFF, others | palettes; CMYK of 8 and 16 bits; Lab of 16 bits; YCbCr with subsampling or JPEG | Lab of 8 bits, ICC and ITU Lab, other inks, raw camera data |

Integers of 32 bits are scaled to 8. The first of several extra channels of a TIFF is its alpha channel.`
}

function drawings(): string {
  return `## Drawings (SVG)

An SVG is rendered at its width and height, at 96 pixels per inch, otherwise at the size of its \`viewBox\`, otherwise at
300×150. If \`resize\` is its first step, it is rendered sharply at the requested size, also enlarged; after any other step
(\`flip/resize:800\`) it has pixels like every image. The result is PNG unless \`format\` sets another format.

An SVG is sanitised before it is rendered. **Dropped**, and the rest is rendered: scripts, events, animation,
\`foreignObject\`, elements and attributes outside of SVG, the DOCTYPE, processing instructions, external references in
\`href\`, \`url()\` and \`@import\`, and all at-rules of style sheets. Embedded images are rendered if they are \`data:\` URLs
with PNG, JPEG, WebP or GIF. **Refused**: declarations in the DOCTYPE, such as entities (\`unsupported_format\`; also SVGZ:
unpack it first), circular references and malformed XML (\`corrupt_image\`), too many pixels (\`too_many_pixels\`), files above
${maxSvgBytes / 2 ** 20} MiB (\`image_too_large\`), and excessive numbers of elements (including \`use\` and patterns), nesting, filters, text,
overlapping lines or dashes (\`resource_limit_exceeded\`). The cost of filters and lines depends on the rendered size: use a
smaller \`resize\` if it is too high.

Text is rendered with the fonts of the actor's machine. A missing font family is substituted, and characters that no font
contains become boxes; convert text to paths to get the same result everywhere.`
}

/** Names of the formats that can be read but not written, as the documentation spells them. */
const readOnly = formats
  .filter(({ isWritable }) => !isWritable)
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

In JSON one recipe can have up to ${maxOutputs} outputs. The shared \`steps\` run first, then those of each output:

\`\`\`json
${json(recipe)}
\`\`\`

A name is 1 to 64 of a-z, 0-9, \`_\` and \`-\`, starting with a letter or digit. \`steps\` is required; use \`[]\` if the
outputs share no steps. Without \`outputs\` the only output is named \`default\`.`
}

function mistakes(): string {
  return `## Errors

A recipe is validated before anything is queued. An invalid recipe is answered with the code \`invalid_recipe\`: \`field\` names
the parameter, such as \`steps[1].sigma\` or \`outputs.thumb.steps[0].width\`, also for the text form; \`detail\` says what is
wrong, and \`remedy\` what to use instead. Errors that depend on the image, such as a crop area outside of it, fail the task
with the code \`processing_failed\` and the same fields.`
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
        `| \`${parameter}\` | ${values(schema)} | ${fallback(schema, required.includes(parameter))} | ${escapePipes(schema.description ?? '')} |`,
    ),
  ].join('\n')
  return [
    `## ${name}`,
    operation.summary,
    `\`\`\`\n${formatUsage(name, catalogue)}\n\`\`\``,
    parameters.length === 0 ? 'No parameters.' : table,
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
  return isRequired ? 'required' : ''
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

function escapePipes(text: string): string {
  return text.replaceAll('|', String.raw`\|`)
}
