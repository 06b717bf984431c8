package import Linux
package import OpenSSL

/// Certificates from PEM files wherever they are, such as those a site file names.
package enum CertificateSource {
    /// Larger files are refused: a chain of RSA-4096 certificates takes about 10 KiB.
    private static let limit = 1 << 20

    /// Loads a chain and its key and checks that they fit.
    ///
    /// - Parameters:
    ///   - now: seconds since 1970; a certificate that is not valid then, or names no host, is refused. Nil takes any.
    ///   - trust: whom the key's file may belong to, and who else may read it.
    ///   - followsLinks: whether symbolic links in the places of the two will do, as certbot makes them.
    ///   - issuers: for chains that have issuers in common.
    package static func load(
        certificate: String,
        key: String,
        now: Int64? = nil,
        trust: FileReading.Trust = .ownerAndGroupRead,
        followsLinks: Bool = true,
        sharing issuers: IssuerPool? = nil
    ) throws(CertificateProblem) -> CertificateBundle {
        let chain = try loadChain(certificate, followsLink: followsLinks, sharing: issuers)
        let privateKey = try loadKey(key, trust: trust, followsLink: followsLinks)
        do throws(CertificateError) {
            let bundle = try CertificateBundle(chain: chain, key: privateKey)
            if let now {
                try bundle.requireServable()
                try bundle.requireValid(at: now)
                try Transparency.require(of: bundle, at: now)
            }
            return bundle
        } catch {
            if case .keyMismatch = error { throw .contents(path: "\(certificate) and \(key)", error) }
            throw .contents(path: certificate, error)
        }
    }

    /// Loads the one private key of a PEM file.
    package static func loadKey(
        _ path: String,
        trust: FileReading.Trust = .ownerOnly,
        followsLink: Bool = true
    ) throws(CertificateProblem) -> PrivateKey {
        let pem: SecretBytes
        do throws(FileError) {
            pem = try FileReading.readSecret(path, limit: limit, trust: trust, followsLink: followsLink)
        } catch {
            throw .file(error)
        }
        do throws(CertificateError) {
            return try PrivateKey(pem: pem.bytes)
        } catch {
            throw .contents(path: path, error)
        }
    }

    /// Loads a chain and its key from a PKCS #12 file.
    ///
    /// - Parameter passwordFile: holds its password, up to the first line break; nil for none.
    package static func load(
        pkcs12 path: String,
        passwordFile: String?
    ) throws(CertificateProblem) -> CertificateBundle {
        let bytes: SecretBytes
        var password: SecretBytes?
        do throws(FileError) {
            bytes = try FileReading.readSecret(path, limit: limit)
            if let passwordFile { password = try FileReading.readSecret(passwordFile, limit: 4096) }
        } catch {
            throw .file(error)
        }
        do throws(CertificateError) {
            guard let password else { return try CertificateBundle(pkcs12: bytes.bytes, password: [UInt8]().span) }
            let text = password.bytes
            let end = text.indices.first { text[$0] == 0x0A || text[$0] == 0x0D || text[$0] == 0 } ?? text.count
            return try CertificateBundle(pkcs12: bytes.bytes, password: text.extracting(0..<end))
        } catch {
            throw .contents(path: path, error)
        }
    }

    /// Loads the certificates of a PEM file, at least one.
    package static func loadChain(
        _ path: String,
        followsLink: Bool = true,
        sharing issuers: IssuerPool? = nil
    ) throws(CertificateProblem) -> [Certificate] {
        let bytes: [UInt8]
        do throws(FileError) {
            bytes = try FileReading.read(path, limit: limit, trust: .ownerWrites, followsLink: followsLink)
        } catch {
            throw .file(error)
        }
        do throws(CertificateError) {
            return try Certificate.load(pem: bytes.span, sharing: issuers)
        } catch {
            throw .contents(path: path, error)
        }
    }
}
