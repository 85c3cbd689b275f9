import { startStack } from '@pixelflow/testkit/stack'
import { purgeUploads } from '../broker/purge-uploads.ts'
import { measureHttpDownload } from '../measure-http-download.ts'
import { measureHttpUpload } from '../measure-http-upload.ts'
import type { CurveValues } from './curve.ts'

/** Mebibytes a second of uploads and downloads, one after the other. */
export async function measureObjects(bytes: number): Promise<CurveValues> {
  await using stack = await startStack({
    env: { PIXELFLOW_LOG_LEVEL: 'info', PIXELFLOW_MAX_UPLOAD_BYTES: '8GiB' },
    hasSharedCache: true,
  })
  const gateway = await stack.gateway()
  // At least some transfers, and at least 256 MB of small ones.
  const count = Math.max(2, Math.min(300, Math.ceil(256e6 / bytes)))
  const seconds = { upload: 0, download: 0 }
  for (let serial = -2; serial < count; serial += 1) {
    const { id, bytesPerSecond } = await measureHttpUpload(gateway.url, bytes)
    const download = await measureHttpDownload(gateway.url, id, bytes)
    // The first two warm up.
    if (serial < 0) continue
    seconds.upload += bytes / bytesPerSecond
    seconds.download += bytes / download
    if (bytes > 100e6) await purgeUploads(stack.nats)
  }
  const rate = (total: number) => (bytes * count) / total / 2 ** 20
  return { upload: rate(seconds.upload), download: rate(seconds.download) }
}
