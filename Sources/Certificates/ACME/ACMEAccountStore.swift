import Linux
package import OpenSSL

/// The account at an ACME server, kept in the store: its key and its URL, one for each server.
package struct ACMEAccountStore: Sendable {
    private let folder: String

    /// - Parameter directory: the URL of the server's directory.
    package init(_ store: CertificateStore, directory: String) {
        folder = "\(store.folder)/acme-accounts/\(Fingerprint.sha256(directory).prefix(16))"
    }

    /// The account's key and, once it was registered, its URL. A key is made when there is none.
    package func load() throws(CertificateProblem) -> (key: PrivateKey, account: String?) {
        let keyPath = folder + "/key.pem"
        guard FileWriting.exists(keyPath) else { return (try makeKey(keyPath), nil) }
        let pem: SecretBytes
        var url: [UInt8] = []
        do throws(FileError) {
            pem = try FileReading.readSecret(keyPath, limit: 1 << 16, trust: .ownerOnly)
            if FileWriting.exists(folder + "/account") {
                url = try FileReading.read(folder + "/account", limit: 1 << 12, trust: .ownerWrites)
            }
        } catch {
            throw .file(error)
        }
        do throws(CertificateError) {
            let account = String(decoding: url, as: UTF8.self).split(separator: "\n").first.map { String($0) }
            return (try PrivateKey(pem: pem.bytes), account)
        } catch {
            throw .contents(path: keyPath, error)
        }
    }

    /// Keeps the URL of the account.
    package func keep(account: String) throws(CertificateProblem) {
        let line = Array((account + "\n").utf8)
        do throws(FileError) {
            try FileWriting.replace(folder + "/account", with: line.span, mode: 0o600)
        } catch {
            throw .file(error)
        }
    }

    private func makeKey(_ path: String) throws(CertificateProblem) -> PrivateKey {
        let key: PrivateKey
        do throws(OpenSSLError) {
            key = try PrivateKey.generate(.ecdsaP256)
        } catch {
            throw .library(error)
        }
        let pem = key.pem
        do throws(FileError) {
            try FileWriting.createFolder(folder)
            try FileWriting.replace(path, with: pem.bytes, mode: 0o600)
        } catch {
            throw .file(error)
        }
        return key
    }
}
