import Linux
package import Site

/// Folders in which other programs keep a certificate.
package enum CertificateFolder {
    /// The two files in a folder of certbot's (`live/NAME`) or of Caddy's (`certificates/CA/NAME`).
    package static func files(in folder: String) throws(CertificateProblem) -> CertificateFiles {
        let names: [String]
        do throws(FileError) {
            names = try FileReading.names(inFolder: folder)
        } catch {
            throw .file(error)
        }
        if names.contains("fullchain.pem"), names.contains("privkey.pem") {
            return CertificateFiles(certificate: "\(folder)/fullchain.pem", key: "\(folder)/privkey.pem")
        }
        let stems = names.filter { $0.hasSuffix(".crt") }.map { $0.dropLast(4) }
        guard stems.count == 1, names.contains("\(stems[0]).key") else { throw .unknownFolder(folder) }
        return CertificateFiles(certificate: "\(folder)/\(stems[0]).crt", key: "\(folder)/\(stems[0]).key")
    }
}
