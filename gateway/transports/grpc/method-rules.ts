import type { DescMethod } from '@bufbuild/protobuf'
import { largestJsonBytes } from '@pixelflow/core/json-bounds'
import { ImageService } from '@pixelflow/proto/pixelflow/v1/image_pb'
import { largestMessage } from './rpc.ts'

/** What is demanded of a call before anything of its body is read. */
export interface MethodRules {
  /**
   * `account`: the caller has to be known. `anybody`: any caller that may load the page. `probe`: nothing is demanded,
   * for load balancers and kubelets have no credentials and call by any host name.
   */
  readonly access: 'account' | 'anybody' | 'probe'
  /** Bytes that one message of the request may have. */
  readonly largestRequest: number
}

/** Messages of callers who are not known: names of services, and nothing. */
const largestPublicRequest = 64 * 1024
/** The name of a service. */
const largestProbe = 4096

const { upload, processImage, processImageUnary, getVersion } = ImageService.method
const carriesImage: ReadonlySet<DescMethod> = new Set([upload, processImage, processImageUnary])

export function rulesOf(method: DescMethod): MethodRules {
  const service = method.parent.typeName
  if (service.startsWith('grpc.health.')) return { access: 'probe', largestRequest: largestProbe }
  if (service.startsWith('grpc.reflection.') || method === getVersion) {
    return { access: 'anybody', largestRequest: largestPublicRequest }
  }
  return {
    access: 'account',
    largestRequest: carriesImage.has(method) ? largestMessage : largestJsonBytes,
  }
}
