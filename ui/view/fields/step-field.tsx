import { ChoiceField } from './choice-field.tsx'
import { ColorField } from './color-field.tsx'
import type { FieldProps } from './field-frame.tsx'
import { NumberField } from './number-field.tsx'
import { SwitchField } from './switch-field.tsx'
import { TextField } from './text-field.tsx'

/** The input for a parameter's schema. */
export function StepField(props: FieldProps) {
  const { control } = props.field
  switch (control.kind) {
    case 'number':
      return <NumberField {...props} control={control} />
    case 'choice':
      return <ChoiceField {...props} control={control} />
    case 'switch':
      return <SwitchField {...props} />
    case 'color':
      return <ColorField {...props} />
    case 'text':
      return <TextField {...props} control={control} />
  }
}
