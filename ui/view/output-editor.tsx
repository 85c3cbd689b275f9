import { useId } from 'preact/hooks'
import { renameOutput, removeOutput, type StepGroup } from '../recipe/draft.ts'
import { useApp } from './use-app.ts'
import { Icon } from './icon.tsx'
import { StepList } from './step-list.tsx'

/** The editor of one named output: its name and its own steps, which follow the shared steps. */
export function OutputEditor({ group }: { group: StepGroup }) {
  const { editor } = useApp()
  const id = useId()
  const name = group.output ?? ''
  const problem = editor.problems.value.find(
    (one) => one.group === group.key && one.step === undefined,
  )?.message

  return (
    <section class="output-editor" aria-label={`Output ${name}`}>
      <div class="output-editor-head">
        <label class="label" for={id}>
          Output
        </label>
        <input
          id={id}
          class="input input-name"
          type="text"
          autocomplete="off"
          spellcheck={false}
          aria-invalid={problem !== undefined}
          aria-describedby={`${id}-problem`}
          value={name}
          onInput={(event) => {
            const { value } = event.currentTarget
            editor.change((draft) => renameOutput(draft, group.key, value.trim()))
          }}
        />
        <button
          type="button"
          class="button-icon"
          aria-label={`Remove output ${name}`}
          onClick={() => editor.change((draft) => removeOutput(draft, group.key))}
        >
          <Icon name="close" />
        </button>
      </div>
      <p id={`${id}-problem`} class="field-problem">
        {problem}
      </p>
      <StepList group={group} label={`Steps of ${name}`} />
    </section>
  )
}
