import type { DescMethod } from '@bufbuild/protobuf'
import { largestJsonBytes } from '@pixelflow/core/json-bounds'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { maxMessageBytes } from './implementation.ts'

/** Rules that the server applies to a call before it reads the body. */
export interface MethodRules {
  /**
   * `account`: the caller must authenticate. `public`: no credentials, but the origin check applies. `probe`: no check at
   * all, because load balancers and kubelets have no credentials and use any host name.
   */
  readonly access: 'account' | 'public' | 'probe'
  /** Largest message of a request, in bytes. */
  readonly maxRequestBytes: number
}

/** Requests of public methods are empty or hold names of services. */
const maxPublicRequestBytes = 64 * 1024
/** A health check request holds the name of one service. */
const maxProbeBytes = 4096

const { upload, processImage, processImageUnary, getVersion } = ImageService.method
const carriesImage: ReadonlySet<DescMethod> = new Set([upload, processImage, processImageUnary])

export function rulesOf(method: DescMethod): MethodRules {
  const service = method.parent.typeName
  if (service.startsWith('grpc.health.')) return { access: 'probe', maxRequestBytes: maxProbeBytes }
  if (service.startsWith('grpc.reflection.') || method === getVersion) {
    return { access: 'public', maxRequestBytes: maxPublicRequestBytes }
  }
  return {
    access: 'account',
    maxRequestBytes: carriesImage.has(method) ? maxMessageBytes : largestJsonBytes,
  }
}
