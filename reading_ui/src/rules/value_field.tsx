/** The value of a condition: typed, picked from a list, ticked, or from … to …. */
import { listOf, type Value, type ValueKind } from './conditions';
import { useRulesWords } from './use_words';

interface ValueFieldProps {
  kind: ValueKind;
  value: Value | null;
  choices: [string | number, string][];
  unit: string;
  isWholeNumber: boolean;
  onChange: (value: Value) => void;
}

export function ValueField({ kind, value, choices, unit, isWholeNumber, onChange }: ValueFieldProps) {
  const w = useRulesWords();
  switch (kind) {
    case 'yesno':
      return <Picker label={w.value} value={String(value)} choices={[['true', w.yes], ['false', w.no]]} onPick={(picked) => { onChange(picked === 'true'); }} />;
    case 'choice':
      return <Picker label={w.value} value={String(value)} choices={choices} onPick={(picked) => { onChange(asIn(choices, picked)); }} />;
    case 'choices':
      return <Ticks value={listOf(value)} choices={choices} onChange={onChange} />;
    case 'range': {
      const [from, to] = Array.isArray(value) ? value : [0, 0];
      return (
        <span className="value-range">
          <Bound label={w.from} value={Number(from)} choices={choices} isWholeNumber={isWholeNumber} onChange={(next) => { onChange([next, Number(to)]); }} />
          <Bound label={w.to} value={Number(to)} choices={choices} isWholeNumber={isWholeNumber} onChange={(next) => { onChange([Number(from), next]); }} />
          {choices.length === 0 && <span className="secondary">{unit}</span>}
        </span>
      );
    }
    case 'number':
      return (
        <span className="value-number">
          <NumberInput label={w.value} value={typeof value === 'number' ? value : Number.NaN} isWholeNumber={isWholeNumber} onChange={onChange} />
          <span className="secondary">{unit}</span>
        </span>
      );
    case 'texts': {
      const text = (Array.isArray(value) ? value : [value ?? '']).join(', ');
      return <input className="control" aria-label={w.value} title={w.manyHint} placeholder={w.manyHint} defaultValue={text} onChange={(event) => { onChange(parted(event.target.value)); }} data-testid="condition-value" />;
    }
    default:
      return <input className="control" aria-label={w.value} value={typeof value === 'string' ? value : ''} onChange={(event) => { onChange(event.target.value); }} data-testid="condition-value" />;
  }
}

/** Commas of both alphabets part a list. */
export function parted(text: string): string[] {
  return text.split(/[,，、]/u).map((one) => one.trim()).filter((one) => one !== '');
}

function asIn(choices: [string | number, string][], picked: string): string | number {
  return choices.find(([choice]) => String(choice) === picked)?.[0] ?? picked;
}

function Picker({ label, value, choices, onPick }: { label: string; value: string; choices: [string | number, string][]; onPick: (picked: string) => void }) {
  return (
    <select className="control" aria-label={label} value={value} onChange={(event) => { onPick(event.target.value); }} data-testid="condition-value">
      {choices.map(([choice, said]) => (
        <option key={choice} value={choice}>
          {said}
        </option>
      ))}
    </select>
  );
}

function Bound({ label, value, choices, isWholeNumber, onChange }: { label: string; value: number; choices: [string | number, string][]; isWholeNumber: boolean; onChange: (value: number) => void }) {
  return (
    <label>
      <span className="secondary">{label}</span>
      {choices.length > 0 ? <Picker label={label} value={String(value)} choices={choices} onPick={(picked) => { onChange(Number(picked)); }} /> : <NumberInput label={label} value={value} isWholeNumber={isWholeNumber} onChange={onChange} />}
    </label>
  );
}

function NumberInput({ label, value, isWholeNumber, onChange }: { label: string; value: number; isWholeNumber: boolean; onChange: (value: number) => void }) {
  return (
    <input
      type="number"
      className="control"
      aria-label={label}
      step={isWholeNumber ? 1 : 'any'}
      value={Number.isNaN(value) ? '' : value}
      onChange={(event) => { onChange(event.target.valueAsNumber); }}
      data-testid="condition-value"
    />
  );
}

function Ticks({ value, choices, onChange }: { value: (string | number)[]; choices: [string | number, string][]; onChange: (value: Value) => void }) {
  const w = useRulesWords();
  return (
    <span className="value-ticks" role="group" aria-label={w.values}>
      {choices.map(([choice, said]) => (
        <label key={choice} className="tick">
          <input
            type="checkbox"
            checked={value.includes(choice)}
            onChange={(event) => { onChange(choices.map(([one]) => one).filter((one) => (one === choice ? event.target.checked : value.includes(one)))); }}
          />
          {said}
        </label>
      ))}
    </span>
  );
}
