import Foundation

/// The store of an older version, as it stood before there were an audit log, plans and constraints: a root whose key is
/// elsewhere, an intermediate that signs for any name, and a certificate of it. Made by openssl, since we make no such
/// things any more.
struct OlderStore {
    let root: String
    let rootKey: String

    /// - Parameter daysLeft: of the intermediate.
    init(in directory: TemporaryDirectory, daysLeft: Int) throws {
        root = directory.path("old-root.pem")
        rootKey = directory.path("old-root.key")
        try directory.write(Self.script, to: "old-store.sh")
        let made = try run("sh", ["-e", directory.path("old-store.sh"), directory.root, "\(daysLeft)"], in: directory)
        guard made.status == 0 else { throw HarnessError("the older store: \(made)") }
    }

    private static let script = """
        umask 077
        cd "$1"
        key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null ||
            openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }
        # SUBJECT, ISSUER'S CERTIFICATE AND KEY, DAYS, OUT: what is on standard input are its extensions.
        sign() { openssl req -new -key "$6" -subj "$1" -out request </dev/null 2>/dev/null
            openssl x509 -req -in request -CA "$2" -CAkey "$3" -days "$4" -extfile /dev/stdin -out "$5" 2>/dev/null; }
        mkdir -p store/internal-ca-root/1 store/internal-ca/1 store/web/1
        key old-root.key; key store/internal-ca/1/key.pem; key store/web/1/key.pem
        openssl req -x509 -key old-root.key -subj "/CN=foobar.test root CA" -days 3000 -out old-root.pem \\
            -addext keyUsage=critical,keyCertSign,cRLSign
        sign "/CN=foobar.test intermediate CA" old-root.pem old-root.key "$2" ca.pem store/internal-ca/1/key.pem <<END
        basicConstraints=critical,CA:TRUE,pathlen:0
        keyUsage=critical,keyCertSign,cRLSign
        subjectKeyIdentifier=hash
        authorityKeyIdentifier=keyid:always
        END
        sign "/" ca.pem store/internal-ca/1/key.pem 40 leaf.pem store/web/1/key.pem <<END
        basicConstraints=critical,CA:FALSE
        keyUsage=critical,digitalSignature
        extendedKeyUsage=serverAuth
        subjectAltName=critical,DNS:foobar.test
        subjectKeyIdentifier=hash
        authorityKeyIdentifier=keyid:always
        END
        cp old-root.pem store/internal-ca-root/1/fullchain.pem
        cat ca.pem old-root.pem > store/internal-ca/1/fullchain.pem
        cat leaf.pem ca.pem > store/web/1/fullchain.pem
        chmod 644 store/*/1/fullchain.pem
        for name in internal-ca-root internal-ca web; do echo 1 > store/$name/current; chmod 644 store/$name/current; done
        """
}
