package import Linux
package import OpenSSL

/// Why certificates could not be loaded, kept or made, with the file where there is one.
package enum CertificateProblem: Error, Equatable, Sendable, CustomStringConvertible {
    case file(FileError)
    /// This user may not read or write the store.
    case deniedStore(folder: String, FileError)
    /// The contents of a file are at fault.
    case contents(path: String, CertificateError)
    /// There is nothing of this name in the store.
    case missing(name: String, folder: String)
    /// The name cannot be the name of a folder in the store.
    case unusableName(String)
    /// OpenSSL failed on its own account.
    case library(OpenSSLError)
    /// What was made does not hold together.
    case issued(CertificateError)

    package var description: String {
        switch self {
        case .file(let error): error.description
        case .deniedStore(let folder, let error):
            "the certificate store \(folder) cannot be used (\(error)); run gatehouse as root, "
                + "or name a folder of this user's with `certificate-store` in the site file"
        case .contents(let path, let error): "\(path): \(error)"
        case .missing(let name, let folder):
            "\(folder): there is no certificate \(name); run `gatehouse certs issue \(name)`"
        case .unusableName(let name):
            "\"\(name)\" cannot name a certificate: use letters, digits, dots, hyphens, underscores and *"
        case .library(let error): error.description
        case .issued(let error): error.description
        }
    }
}
