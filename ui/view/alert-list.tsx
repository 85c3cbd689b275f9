import { Icon } from './icon.tsx'
import { NoticeBox } from './notice-box.tsx'
import { useApp } from './use-app.ts'

/** Errors that do not belong to the current task; each stays until it is dismissed. */
export function AlertList() {
  const { alerts } = useApp()
  return (
    <div class="alerts" role="alert">
      {alerts.all.value.map(({ key, notice }) => (
        <NoticeBox key={key} notice={notice}>
          <button type="button" class="button-icon" aria-label="Dismiss" onClick={() => alerts.dismiss(key)}>
            <Icon name="close" />
          </button>
        </NoticeBox>
      ))}
    </div>
  )
}
