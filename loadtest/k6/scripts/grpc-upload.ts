import { scenarios } from '../../scenarios.ts'
import { defineOptions } from '../define-options.ts'
import { grpcCalls } from '../grpc-calls.ts'
import { nextImage } from '../next-image.ts'
import { runRound } from '../run-round.ts'

/** Uploads over gRPC: metadata, chunks, commit. */

export { writeSummary as handleSummary } from '../write-summary.ts'

export const options = defineOptions(scenarios['grpc-upload'])

export default function uploadImages(): Promise<void> {
  return runRound(async () => {
    const id = await grpcCalls.upload(nextImage())
    return id !== undefined && grpcCalls.unary('DeleteImage', { id }) !== undefined
  })
}
