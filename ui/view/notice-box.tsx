import type { ComponentChildren } from 'preact'
import type { Notice } from '../api/notice.ts'
import { Icon } from './icon.tsx'

/** An error in full: title, detail, remedy, and the request id for support. */
export function NoticeBox({ notice, children }: { notice: Notice; children?: ComponentChildren }) {
  const { title, detail, field, remedy, code, requestId } = notice
  return (
    <div class="notice">
      <Icon name="alert" />
      <div class="notice-body">
        <p class="notice-title">{title}</p>
        <p>{detail}</p>
        {remedy === undefined ? null : <p class="notice-remedy">{remedy}</p>}
        <p class="notice-details">
          {field === undefined ? null : (
            <span>
              at <code>{field}</code>
            </span>
          )}
          {code === undefined ? null : <code>{code}</code>}
          {requestId === undefined ? null : (
            <span>
              request <code>{requestId}</code>
            </span>
          )}
        </p>
      </div>
      {children}
    </div>
  )
}
