import { useId } from 'preact/hooks'
import { renamed, withoutLane, type Lane } from '../recipe/draft.ts'
import { useApp } from './context.ts'
import { Icon } from './icon.tsx'
import { StepList } from './step-list.tsx'

/** The editor of one named output: its name and its own steps, which follow the shared steps. */
export function OutputLane({ lane }: { lane: Lane }) {
  const { recipes } = useApp()
  const id = useId()
  const name = lane.output ?? ''
  const problem = recipes.problems.value.find(
    (one) => one.lane === lane.key && one.step === undefined,
  )?.message

  return (
    <section class="lane" aria-label={`Output ${name}`}>
      <div class="lane-head">
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
            recipes.change((draft) => renamed(draft, lane.key, value.trim()))
          }}
        />
        <button
          type="button"
          class="button-icon"
          aria-label={`Remove output ${name}`}
          onClick={() => recipes.change((draft) => withoutLane(draft, lane.key))}
        >
          <Icon name="close" />
        </button>
      </div>
      <p id={`${id}-problem`} class="field-problem">
        {problem}
      </p>
      <StepList lane={lane} label={`Steps of ${name}`} />
    </section>
  )
}
