/** The devices that may send, and what they call themselves. */
import { admin as api } from '../api/endpoints';
import type { DeviceView } from '../api/types';
import { useResource } from '../app/resource';
import { useFormat } from '../words';
import { useRoomWords } from '../words/language';
import { siteName } from './choices';
import { DeviceDialog } from './device_dialog';
import { TextButton, TextSuggestions } from './device_text';
import { EditableTable } from './editable_table';
import { useAdminWords } from './use_words';
import './origins.css';
import * as words from './words_origins';

export function DevicesSection() {
  const a = useAdminWords();
  const o = useRoomWords(words);
  const devices = useResource(api.devices, 'devices');
  const sites = useResource(api.sites, 'sites');
  return (
    <EditableTable
      label={a.sections.devices}
      list={devices}
      columns={[
        { title: a.name, cell: (device) => <b>{device.name}</b> },
        { title: a.aeTitle, cell: (device) => (device.is_relay ? `${device.ae_title} (${o.relayMark})` : device.ae_title) },
        { title: a.site, cell: (device) => siteName(sites.data, device.site_id) },
        { title: a.address, cell: (device) => device.address ?? a.anyAddress },
        { title: a.modality, cell: (device) => device.modality },
        { title: a.characterSet, cell: (device) => device.character_set ?? '' },
        { title: o.certificateColumn, cell: (device) => <Certificate device={device} /> },
        { title: a.state, cell: (device) => (device.is_enabled ? a.enabled : a.disabled) },
      ]}
      acts={(device) => <TextButton deviceId={device.id} name={device.name} onChanged={devices.reload} />}
      form={(device, onClose) => <DeviceDialog device={device} onClose={onClose} onSaved={devices.reload} />}
    >
      <TextSuggestions onChanged={devices.reload} />
    </EditableTable>
  );
}

/** Whether one is asked for, and until when the last one seen is good. */
function Certificate({ device }: { device: DeviceView }) {
  const o = useRoomWords(words);
  const format = useFormat();
  const shown = device.shown_certificate;
  const isEnding = shown !== null && shown.freshness !== 'good';
  return (
    <span className={isEnding ? 'bad' : undefined} title={shown === null ? undefined : o.shownUntil(format.dateTime(shown.not_after))}>
      {device.certificate_sha256 === '' ? o.notAsked : o.isAsked}
      {shown !== null && ` · ${o.freshness[shown.freshness] ?? shown.freshness}`}
    </span>
  );
}
