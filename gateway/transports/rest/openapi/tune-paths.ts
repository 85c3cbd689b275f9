import { tunePath, tuneProtocol } from '@pixelflow/core/tune/tune-protocol'
import { headerParameter, problemResponses } from './responses.ts'
import type { Json } from './schemas.ts'

export const tunePaths: Json = {
  [tunePath]: {
    get: {
      tags: ['tasks'],
      operationId: 'tune',
      summary: 'Tune a recipe over a WebSocket',
      description:
        'The client sends JSON: `open`, then any number of `change` and `apply`. The server sends JSON, and after each `preview` the file as a binary frame. Programs send their token in `Authorization`, pages as the additional subprotocol `bearer.<base64url of the token>`. The messages are described in `docs/tuning.md`.',
      parameters: [
        headerParameter(
          'Sec-WebSocket-Protocol',
          `\`${tuneProtocol}\`, and for a page with a token also \`bearer.…\`.`,
        ),
      ],
      responses: {
        '101': { description: 'The WebSocket is open.' },
        ...problemResponses(),
      },
    },
  },
}
