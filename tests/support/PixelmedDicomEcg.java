import com.pixelmed.dicom.AttributeList;
import com.pixelmed.displaywave.DicomSourceECG;

/** Prints the first multiplex group as PixelMed reads it: a line a channel, file number, millivolts a unit, samples. */
public class PixelmedDicomEcg {
    public static void main(String[] files) throws Exception {
        for (int number = 0; number < files.length; number++) {
            AttributeList list = new AttributeList();
            list.read(files[number]);
            DicomSourceECG ecg = new DicomSourceECG(list);
            for (int channel = 0; channel < ecg.getNumberOfChannels(); channel++) {
                StringBuilder line = new StringBuilder(number + " " + ecg.getSamplingIntervalInMilliSeconds() + " "
                        + ecg.getAmplitudeScalingFactorInMilliVolts()[channel]);
                for (short sample : ecg.getSamples()[channel]) {
                    line.append(' ').append(sample);
                }
                System.out.println(line);
            }
        }
    }
}
