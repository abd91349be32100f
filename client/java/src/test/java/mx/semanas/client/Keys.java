package mx.semanas.client;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Certificates that are made for one run, by the JDK's own keytool. */
final class Keys {
  private static final String PASSWORD = "of-a-test";

  private final Path folder;

  Keys(Path folder) {
    this.folder = folder;
    keytool("-genkeypair", "-alias", "ca", "-dname", "CN=authority", "-ext", "bc:c");
  }

  /** A certificate of the authority, with a key, under that name. */
  void issue(String name, String... extensions) throws IOException {
    keytool("-genkeypair", "-alias", name, "-dname", "CN=" + name);
    keytool("-certreq", "-alias", name, "-file", folder.resolve(name + ".csr").toString());
    List<String> arguments = new ArrayList<>(List.of("-gencert", "-alias", "ca", "-rfc"));
    arguments.addAll(List.of("-infile", folder.resolve(name + ".csr").toString()));
    arguments.addAll(List.of("-outfile", folder.resolve(name + ".pem").toString()));
    arguments.addAll(List.of(extensions));
    keytool(arguments.toArray(new String[0]));
  }

  String authority() throws GeneralSecurityException, IOException {
    return pem("CERTIFICATE", store().getCertificate("ca").getEncoded());
  }

  String certificate(String name) throws IOException {
    return Files.readString(folder.resolve(name + ".pem"));
  }

  String key(String name) throws GeneralSecurityException, IOException {
    return pem("PRIVATE KEY", store().getKey(name, PASSWORD.toCharArray()).getEncoded());
  }

  private KeyStore store() throws GeneralSecurityException, IOException {
    return KeyStore.getInstance(folder.resolve("store").toFile(), PASSWORD.toCharArray());
  }

  private static String pem(String what, byte[] der) {
    String base64 = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return "-----BEGIN " + what + "-----\n" + base64 + "\n-----END " + what + "-----\n";
  }

  private void keytool(String... arguments) {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin/keytool");
    command.addAll(List.of(arguments));
    command.addAll(List.of("-keystore", folder.resolve("store").toString()));
    command.addAll(List.of("-storepass", PASSWORD, "-storetype", "PKCS12"));
    if (arguments[0].equals("-genkeypair")) {
      command.addAll(List.of("-keyalg", "EC", "-groupname", "secp256r1", "-validity", "2"));
    }
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes());
      if (process.waitFor() != 0) {
        throw new IllegalStateException(said);
      }
    } catch (IOException failed) {
      throw new IllegalStateException(failed);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
