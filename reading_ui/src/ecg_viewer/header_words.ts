/** What is printed on the paper beside the traces, on screen and in print. */
import type { EcgView, StudyView } from '../api/types';
import { useFormat, useWords } from '../words';
import { useRoomWords } from '../words/language';
import type { Calibration } from './calibration';
import { type FilterChoice, inForce, warningsOf } from './filters';
import type { Sheet } from './geometry';
import type { SourcedMeasurement } from './measurements';
import type { PrintedText } from './print_view';
import { filterText, measurementText } from './read_out';
import type { View } from './state';
import * as words from './words';

export interface SheetWords {
  header: [string, string];
  footer: [string, string];
  print: PrintedText;
}

interface Shown {
  measurements: readonly SourcedMeasurement[];
  view: View;
  sheet: Sheet;
  /** What really filters the trace now. */
  filters: FilterChoice;
  shiftsMv: readonly number[];
  leadNames: readonly string[];
  /** How large the paper on screen is, of true size. */
  scale: number;
  calibration: Calibration;
}

export function useSheetWords(study: StudyView, ecg: EcgView, shown: Shown): SheetWords {
  const { measurements, view, sheet, filters, shiftsMv, leadNames, scale, calibration } = shown;
  const w = useRoomWords(words);
  const common = useWords().common;
  const format = useFormat();
  const { name, sex, patient_id, birth_date } = study.patient;
  const who = [name.is_guessed ? `${name.display} (${common.guessed})` : name.display, format.sex(sex), format.age(study.age_years),
    patient_id === '' ? '' : w.patientId(patient_id)];
  const recordedAt = ecg.recorded_at === null ? w.noTime : w.recordedAt(format.dateTime(ecg.recorded_at));
  const lines = [
    `${String(view.mmPerS)} ${w.speedUnit}`, `${String(view.mmPerMv)} ${w.gainUnit}`, view.isChestHalved ? w.chestGain(view.mmPerMv / 2) : '',
    ecg.filters === '' ? w.filterUnknown : w.filterDevice(ecg.filters.replaceAll('-', '–').replace('notch', w.notch)),
    filterText(inForce(filters, ecg.interval_us), w), w.sampling(String(Number((1e6 / ecg.interval_us).toFixed(2)))),
  ];
  const sources = new Set(measurements.map(({ source }) => source));
  const notes = [
    ...warningsOf(filters, ecg.interval_us).map((warning) => w.filterWarnings[warning]),
    sheet.hidden.length === 0 ? '' : w.hidden(sheet.hidden.join(' ')),
    ...shiftsMv.map((mv, index) => (mv === 0 ? '' : w.shifted(leadNames[index] ?? '', mv.toFixed(1)))),
  ];
  const onScreen = [Math.round(scale * 100) === 100 ? '' : w.notTrueSize(Math.round(scale * 100)), calibration.isCalibrated ? '' : w.notCalibrated];
  return {
    header: [joined(who), joined([recordedAt, study.site_name, ecg.device_model])],
    footer: [joined([...lines, ...onScreen]), joined(notes)],
    print: {
      place: study.site_name,
      person: joined([...who, birth_date === null ? '' : w.birthDate(format.date(birth_date))]),
      recording: joined([recordedAt, w.receivedAt(format.dateTime(study.first_arrival_at)), w.printedAt(format.dateTime(new Date().toISOString())),
        ecg.device_model === '' ? '' : `${w.device} ${ecg.device_model}`]),
      measurements: measurements.map(({ key, value, source }) => {
        const said = measurementText(key, value, w);
        return w.printedMeasurement(said.name, said.value, w.sourceMarks[source]);
      }),
      scale: [joined([...lines, w.printHow])],
      notes: [...sources].map((source) => w.sourceMeaning(w.sourceMarks[source], w.sources[source])).concat(notes),
    },
  };
}

function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' · ');
}
