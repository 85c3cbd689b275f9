import { measurePlainTransfer } from '../broker/measure-plain-transfer.ts'
import { purgeUploads } from '../broker/purge-uploads.ts'
import { computeMedian } from '../compute-median.ts'
import { measureHttpDownload } from '../measure-http-download.ts'
import { measureHttpUpload } from '../measure-http-upload.ts'
import type { Part } from './part.ts'

/** Compares uploads and downloads over HTTP with plain puts and gets of as many bytes. */
export const transferPart: Part = async ({ options, openStack, print }) => {
  const { stack, gateway } = await openStack()
  const { rounds, uploadBytes } = options
  const rows: { put: number; get: number; upload: number; download: number }[] = []
  const measure = async () => {
    const plain = await measurePlainTransfer(stack.nats, uploadBytes)
    const upload = await measureHttpUpload(gateway.url, uploadBytes)
    const download = await measureHttpDownload(gateway.url, upload.id, uploadBytes)
    await purgeUploads(stack.nats)
    return { ...plain, upload: upload.bytesPerSecond, download }
  }
  await measure()
  for (let round = 0; round < rounds; round += 1) {
    const row = await measure()
    rows.push(row)
    const rates = Object.entries(row).map(([name, rate]) => `${name} ${mebibytes(rate)} MiB/s`)
    print(`round ${round + 1}: ${rates.join(', ')}`)
  }
  const report = {
    uploadToPlainPut: computeMedian(rows.map((row) => row.upload / row.put)),
    downloadToPlainGet: computeMedian(rows.map((row) => row.download / row.get)),
    uploadMiBPerSecond: computeMedian(rows.map((row) => row.upload)) / 2 ** 20,
    downloadMiBPerSecond: computeMedian(rows.map((row) => row.download)) / 2 ** 20,
  }
  print('')
  print(`upload ÷ plain pipelined put    ${report.uploadToPlainPut.toFixed(2)}   (at least 0.80, goal 0.95)`)
  print(
    `download ÷ plain pipelined get  ${report.downloadToPlainGet.toFixed(2)}   (at least 0.80, goal 0.95)`,
  )
  return { transfer: report }
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0)
}
