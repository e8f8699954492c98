/** Choices that several forms offer. */
import type { SiteView } from '../api/types';
import { SelectField } from '../parts/field';
import { useWords } from '../words';
import { useAdminWords } from './use_words';

export const MODALITIES = ['DX', 'CR', 'CT', 'MR', 'US', 'MG', 'RF', 'XA', 'ES', 'ECG'];

interface SiteChoiceProps {
  sites: SiteView[];
  value: string;
  onChange: (site: string) => void;
  /** Also offers no site at all: the whole alliance. */
  isAllianceOffered?: boolean;
}

export function SiteChoice({ sites, value, onChange, isAllianceOffered = false }: SiteChoiceProps) {
  const a = useAdminWords();
  return (
    <SelectField label={a.site} value={value} required={!isAllianceOffered} onChange={(event) => { onChange(event.target.value); }} data-testid="site">
      <option value="">{isAllianceOffered ? a.anySite : '–'}</option>
      {sites.map((site) => (
        <option key={site.id} value={site.id}>
          {site.name}
        </option>
      ))}
    </SelectField>
  );
}

export function ModalityChoice({ value, onChange }: { value: string; onChange: (modality: string) => void }) {
  const w = useWords();
  const a = useAdminWords();
  return (
    <SelectField label={a.modality} value={value} onChange={(event) => { onChange(event.target.value); }} data-testid="modality">
      <option value="">{w.common.unknown}</option>
      {MODALITIES.map((code) => (
        <option key={code}>{code}</option>
      ))}
    </SelectField>
  );
}

/** The name of a site for a list that holds its id. */
export function siteName(sites: SiteView[] | null, id: string): string {
  return sites?.find((site) => site.id === id)?.name ?? id;
}
