import { matchesEtag } from './matches-etag.ts'

/** A file in memory, with its compressed forms. */
export interface StaticFile {
  readonly type: string
  readonly etag: string
  readonly plain: Uint8Array<ArrayBuffer>
  readonly br?: Uint8Array<ArrayBuffer>
  readonly gzip?: Uint8Array<ArrayBuffer>
}

/** Reads a file and, if they exist, its `.br` and `.gz` forms. */
export async function readStatic(path: string): Promise<StaticFile> {
  const file = Bun.file(path)
  const [plain, br, gzip] = await Promise.all([
    file.bytes(),
    readIfExists(`${path}.br`),
    readIfExists(`${path}.gz`),
  ])
  return staticFile(file.type, plain, { ...(br ? { br } : {}), ...(gzip ? { gzip } : {}) })
}

async function readIfExists(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const file = Bun.file(path)
  return (await file.exists()) ? file.bytes() : undefined
}

export function staticFile(
  type: string,
  plain: Uint8Array<ArrayBuffer>,
  compressed: Pick<StaticFile, 'br' | 'gzip'> = {},
): StaticFile {
  const hash = new Bun.CryptoHasher('sha256').update(plain).digest('base64url').slice(0, 22)
  return { type, etag: `"${hash}"`, plain, ...compressed }
}

export function sendStatic(request: Request, file: StaticFile, headers: Record<string, string>): Response {
  const accepted = request.headers.get('accept-encoding') ?? ''
  const coding = (['br', 'gzip'] as const).find((one) => file[one] && acceptsEncoding(accepted, one))
  // Each coding has its own ETag: a strong ETag identifies the exact bytes (RFC 9110 §8.8.3.3).
  const etag = coding ? file.etag.replace(/"$/, `-${coding}"`) : file.etag
  const common = { ...headers, etag, vary: 'Accept-Encoding' }
  if (matchesEtag(request.headers.get('if-none-match'), etag, 'weak'))
    return new Response(null, { status: 304, headers: common })
  return new Response(coding ? file[coding] : file.plain, {
    headers: { ...common, 'content-type': file.type, ...(coding ? { 'content-encoding': coding } : {}) },
  })
}

/** Whether an Accept-Encoding header accepts a content coding. */
export function acceptsEncoding(accepted: string, coding: string): boolean {
  return accepted.split(',').some((one) => {
    const [name, weight] = one.split(';').map((part) => part.trim().toLowerCase())
    return name === coding && !/^q=0(\.0*)?$/.test(weight ?? '')
  })
}
