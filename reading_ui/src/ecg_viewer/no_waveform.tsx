/** An ECG that came as a page: said plainly, and shown as it is. There is nothing to measure on it. */
import { ecgIntake } from '../api/ecg_intake';
import type { EcgView, StudyView } from '../api/types';
import { Icon } from '../parts/icons';
import { Note } from '../parts/notes';
import { useFormat } from '../words';
import { useRoomWords } from '../words/language';
import * as words from './words_no_waveform';

export function NoWaveform({ study, ecg }: { study: StudyView; ecg: EcgView }) {
  const w = useRoomWords(words);
  const format = useFormat();
  const url = ecgIntake.pageUrl(ecg.instance_id);
  return (
    <div className="ecg-page" data-testid="no-waveform">
      <Note tone="warning">
        <b>{w.noWaveform}</b> {w.noWaveformHint}
      </Note>
      {ecg.warnings.map((warning) => (
        <Note key={warning} tone="warning">{warning}</Note>
      ))}
      <p className="secondary">
        {[study.site_name, study.device_name ?? '', study.study_at === null ? w.arrived(format.dateTime(study.first_arrival_at)) : format.dateTime(study.study_at)]
          .filter((part) => part !== '').join(' · ')}{' '}
        <a className="button" href={url} target="_blank" rel="noreferrer">
          <Icon name="open" /> {w.openAlone}
        </a>
      </p>
      <iframe src={url} title={w.page} data-testid="ecg-page" />
    </div>
  );
}
