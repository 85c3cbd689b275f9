import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { chooseCoding } from './choose-coding.ts'
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
  const [plain, br, gz] = await Promise.all([
    file.bytes(),
    readIfExists(`${path}.br`),
    readIfExists(`${path}.gz`),
  ])
  return staticFile(file.type, plain, { ...(br ? { br } : {}), ...(gz ? { gzip: gz } : {}) })
}

async function readIfExists(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const file = Bun.file(path)
  return (await file.exists()) ? file.bytes() : undefined
}

/** Brotli's best quality takes seconds for a megabyte, and saves a tenth. */
const maxBestQualityBytes = 256 * 1024
const largeQuality = 9

/** A file with its compressed forms, which threads of the runtime compute. */
export async function compressStatic(
  type: string,
  content: string | Uint8Array<ArrayBuffer>,
): Promise<StaticFile> {
  const plain = typeof content === 'string' ? new TextEncoder().encode(content) : content
  const quality = plain.length <= maxBestQualityBytes ? constants.BROTLI_MAX_QUALITY : largeQuality
  const [br, gz] = await Promise.all([
    promisify(brotliCompress)(plain, {
      params: { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length },
    }),
    promisify(gzip)(plain, { level: constants.Z_BEST_COMPRESSION }),
  ])
  return staticFile(type, plain, { br: new Uint8Array(br), gzip: new Uint8Array(gz) })
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
  const existing = (['br', 'gzip'] as const).filter((one) => file[one])
  const coding = chooseCoding(request.headers.get('accept-encoding'), existing)
  // Each coding has its own ETag: a strong ETag identifies the exact bytes (RFC 9110 §8.8.3.3).
  const etag = coding ? file.etag.replace(/"$/, `-${coding}"`) : file.etag
  const common = { ...headers, etag, vary: 'Accept-Encoding' }
  if (matchesEtag(request.headers.get('if-none-match'), etag, 'weak'))
    return new Response(null, { status: 304, headers: common })
  return new Response(coding ? file[coding] : file.plain, {
    headers: { ...common, 'content-type': file.type, ...(coding ? { 'content-encoding': coding } : {}) },
  })
}
