/**
 * What is drawn: the leads of a record as the eye shall see them, filtered or not. A sheet's segments name their source
 * by its place in a list, so that another record's leads can lie beside or above this one's.
 */
import { type FilterChoice, filtered } from './filters';
import { baselineShiftMv, type LeadSamples } from './trace';

export interface Source {
  leads: readonly LeadSamples[];
  intervalUs: number;
  /** What is taken off a lead that lies far off the paper. */
  shiftsMv: readonly number[];
}

export function sourceOf(leads: readonly LeadSamples[], intervalUs: number, choice: FilterChoice): Source {
  const shown = leads.map((lead) => ({ ...lead, samples: filtered(lead.samples, choice, intervalUs) }));
  return { leads: shown, intervalUs, shiftsMv: shown.map((lead) => baselineShiftMv(lead.samples)) };
}
