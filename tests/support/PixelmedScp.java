import com.pixelmed.dicom.BinaryInputStream;
import com.pixelmed.scpecg.SCPECG;

import java.io.FileInputStream;

/** Prints the rhythm that PixelMed decodes from SCP-ECG files: a line a lead, the file's number first. */
public class PixelmedScp {
    public static void main(String[] files) throws Exception {
        for (int number = 0; number < files.length; number++) {
            SCPECG ecg = new SCPECG(new BinaryInputStream(new FileInputStream(files[number]), false), false);
            short[][] leads = ecg.getDecompressedRhythmData();
            for (int lead = 0; lead < leads.length; lead++) {
                StringBuilder line = new StringBuilder(number + " " + ecg.getLeadNames()[lead]);
                for (short sample : leads[lead]) {
                    line.append(' ').append(sample);
                }
                System.out.println(line);
            }
        }
    }
}
