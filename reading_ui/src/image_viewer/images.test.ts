import { describe, expect, it } from 'vitest';

import type { InstanceView, StudyView } from '../api/types';
import type { DicomJson } from './attributes';
import { firstIndex, inScanOrder, qualityOf, stacksOf } from './images';
import { actionOf } from './keys';
import { frameUrl, previewUrl, thumbnailUrl } from './pixel_loader';
import { renderPathOf } from './render_path';
import { en, zh } from './words';

function instance(n: number, more: Partial<InstanceView> = {}): InstanceView {
  return {
    id: String(n), sop_instance_uid: `1.${String(n)}`, sop_class_uid: '1', format: 'dicom', number: n, rows: 10, columns: 10, frame_count: 1, has_waveform: false, size_bytes: 1, version: '', ...more,
  };
}

function study(modality: string, instances: InstanceView[]): StudyView {
  const series = { id: 's', series_instance_uid: '1.9', modality, number: 1, description: '', instances };
  return { study_instance_uid: '1.8', series: [series] } as unknown as StudyView;
}

describe('the stacks of a study', () => {
  it('orders by instance number and leaves out what is no picture', () => {
    const [stack] = stacksOf(study('CT', [instance(2), instance(1), instance(3, { rows: null }), instance(4, { format: 'wfdb' })]));
    expect(stack?.images.map((image) => image.sopUid)).toEqual(['1.1', '1.2']);
    expect(stack?.images[0]?.path).toBe('/dicom-web/studies/1.8/series/1.9/instances/1.1/frames/1');
  });

  it('plays an ultrasound clip and scrolls an enhanced CT', () => {
    expect(stacksOf(study('US', [instance(1, { frame_count: 30 }), instance(2)])).map((stack) => [stack.isClip, stack.images.length])).toEqual([[false, 1], [true, 30]]);
    expect(stacksOf(study('CT', [instance(1, { frame_count: 30 })])).map((stack) => [stack.isClip, stack.images.length])).toEqual([[false, 30]]);
  });

  it('opens a long stack in the middle', () => {
    expect([1, 7, 8, 300].map(firstIndex)).toEqual([0, 0, 4, 150]);
  });

  it('goes along the scan, in the direction in which the device counts', () => {
    const [stack] = stacksOf(study('CT', [instance(1), instance(2), instance(3)]));
    const at = (z: number): DicomJson => ({ '00200032': { vr: 'DS', Value: [0, 0, z] }, '00200037': { vr: 'DS', Value: [1, 0, 0, 0, 1, 0] } });
    const order = (...z: number[]): string[] =>
      inScanOrder(stack?.images ?? [], new Map(z.map((value, index) => [`1.${String(index + 1)}`, at(value)]))).map((image) => image.sopUid);
    expect(order(30, 10, 20)).toEqual(['1.1', '1.3', '1.2']);
    expect(order(10, 30, 20)).toEqual(['1.1', '1.3', '1.2']);
    expect(order(5, 5, 5)).toEqual(['1.1', '1.2', '1.3']);
  });

  it('calls lossy what is lossy, whatever says so (E2)', () => {
    const of = (syntax: string, lossy?: string) => qualityOf({ '00083002': { vr: 'UI', Value: [syntax] }, ...(lossy === undefined ? {} : { '00282110': { vr: 'CS', Value: [lossy] } }) }).isLossy;
    expect(of('1.2.840.10008.1.2.1')).toBe(false);
    expect(of('1.2.840.10008.1.2.1', '01')).toBe(true);
    expect(of('1.2.840.10008.1.2.4.50')).toBe(true);
    expect(of('1.2.840.10008.1.2.4.91', '00')).toBe(false);
  });
});

describe('keys', () => {
  const press = (key: string, more = {}) => actionOf({ key, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, isComposing: false, ...more });
  it('takes no key that belongs to the browser or to an input method', () => {
    expect(press('i', { ctrlKey: true })).toBeNull();
    expect(press('1', { altKey: true })).toBeNull();
    expect(press('i', { isComposing: true })).toBeNull();
    expect(press('Tab')).toBeNull();
    expect(press('I')).toEqual({ do: 'invert' });
    expect(press('7')).toEqual({ do: 'preset', key: '7' });
  });
});

describe('another object under the same UID', () => {
  it('is another stack at other addresses', () => {
    const of = (version: string) => stacksOf(study('DX', [instance(1, { version })]))[0];
    const [first, second] = [of('aa'), of('bb')];
    if (first?.images[0] === undefined || second?.images[0] === undefined) throw new Error('no stack');
    expect(first.key).not.toBe(second.key);
    for (const address of [frameUrl, previewUrl, thumbnailUrl]) expect(address(first.images[0])).not.toBe(address(second.images[0]));
  });
});

describe('render path', () => {
  it('follows from the renderer', () => {
    expect(renderPathOf(null)).toBe('cpu');
    expect(renderPathOf('ANGLE (Google, Vulkan 1.3.0 (SwiftShader Device (Subzero)), SwiftShader driver)')).toBe('generic');
    expect(renderPathOf('llvmpipe (LLVM 15.0.6, 256 bits)')).toBe('generic');
    expect(renderPathOf('Microsoft Basic Render Driver')).toBe('generic');
    expect(renderPathOf('ANGLE (Intel, Intel(R) UHD Graphics 630 Direct3D11 vs_5_0 ps_5_0)')).toBe('gl');
  });
});

describe('words', () => {
  it('has every word in both languages', () => {
    const keysOf = (of: object): string[] => Object.entries(of).flatMap(([key, value]) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? keysOf(value as object).map((sub) => `${key}.${sub}`) : [key]));
    expect(keysOf(en).sort()).toEqual(keysOf(zh).sort());
    expect(en.keys.length).toBe(zh.keys.length);
  });
});
