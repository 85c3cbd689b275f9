/** A span as a collector receives it. */
export interface CollectedSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty for the first span of a trace. */
  readonly parentSpanId: string
  readonly name: string
  /** Number of the kind in OTLP, such as 2 for a server. */
  readonly kind: number
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[]
  /** 2 for an error. */
  readonly statusCode: number
  readonly statusMessage: string
  /** Attributes of the process. */
  readonly resource: Readonly<Record<string, string | number | boolean>>
}

/** The messages of opentelemetry/proto/collector/trace/v1, by the numbers of their fields. */
export function decodeOtlpTraces(bytes: Uint8Array): CollectedSpan[] {
  return messages(fieldsOf(bytes), 1).flatMap((resourceSpans) => {
    const resource = messages(resourceSpans, 1)[0]
    const attributes = resource === undefined ? {} : attributesOf(resource, 1)
    return messages(resourceSpans, 2).flatMap((scopeSpans) =>
      messages(scopeSpans, 2).map((span) => decodeSpan(span, attributes)),
    )
  })
}

function decodeSpan(span: Fields, resource: CollectedSpan['resource']): CollectedSpan {
  const status = messages(span, 15)[0] ?? new Map<number, never>()
  return {
    traceId: hexOf(span, 1),
    spanId: hexOf(span, 2),
    parentSpanId: hexOf(span, 4),
    name: textOf(span, 5),
    kind: Number(numberOf(span, 6)),
    startMs: Number(numberOf(span, 7)) / 1e6,
    endMs: Number(numberOf(span, 8)) / 1e6,
    attributes: attributesOf(span, 9),
    links: messages(span, 13).map((link) => ({ traceId: hexOf(link, 1), spanId: hexOf(link, 2) })),
    statusCode: Number(numberOf(status, 3)),
    statusMessage: textOf(status, 2),
    resource,
  }
}

function attributesOf(message: Fields, number: number): CollectedSpan['attributes'] {
  return Object.fromEntries(
    messages(message, number).map((pair) => [textOf(pair, 1), valueOf(messages(pair, 2)[0] ?? new Map())]),
  )
}

function valueOf(value: Fields): string | number | boolean {
  if (value.has(2)) return numberOf(value, 2) === 1n
  if (value.has(3)) return Number(numberOf(value, 3))
  const [double] = value.get(4) ?? []
  if (typeof double === 'bigint')
    return new Float64Array(new BigUint64Array([double]).buffer)[0] ?? Number.NaN
  return textOf(value, 1)
}

/** The values of each field: numbers, or bytes of texts and messages. */
type Fields = ReadonlyMap<number, readonly (bigint | Uint8Array)[]>

function messages(fields: Fields, number: number): Fields[] {
  return (fields.get(number) ?? []).filter((one) => typeof one !== 'bigint').map(fieldsOf)
}

function numberOf(fields: Fields, number: number): bigint {
  const [value] = fields.get(number) ?? []
  return typeof value === 'bigint' ? value : 0n
}

function bytesOf(fields: Fields, number: number): Uint8Array {
  const [value] = fields.get(number) ?? []
  return value instanceof Uint8Array ? value : new Uint8Array()
}

function hexOf(fields: Fields, number: number): string {
  return bytesOf(fields, number).toHex()
}

function textOf(fields: Fields, number: number): string {
  return new TextDecoder().decode(bytesOf(fields, number))
}

/** Reads a message in the wire format of protobuf. */
function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (bigint | Uint8Array)[]>()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  const varint = () => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = view.getUint8(at++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const fixed = (size: 4 | 8) => {
    at += size
    return size === 8 ? view.getBigUint64(at - 8, true) : BigInt(view.getUint32(at - 4, true))
  }
  const delimited = () => {
    const length = Number(varint())
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const read = [varint, () => fixed(8), delimited, undefined, undefined, () => fixed(4)][tag & 7]
    if (read === undefined) throw new Error(`wire type ${tag & 7} at ${at}`)
    const values = fields.get(tag >> 3) ?? []
    fields.set(tag >> 3, values)
    values.push(read())
  }
  return fields
}
