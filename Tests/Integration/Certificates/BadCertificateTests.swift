import Foundation
import Testing

/// Certificates and keys that must not be served, brought to a running gateway by every way there is: the served one stays,
/// and the error says what to do.
@Suite("Bad certificates before a running gateway", .patient)
struct BadCertificateTests: OneCertificate {
    let scene: OneCertificateScene

    init() throws {
        scene = try OneCertificateScene()
        try directory.write(Self.script, to: "make.sh")
        let made = try run("sh", ["-e", directory.path("make.sh"), directory.root], in: directory)
        guard made.status == 0 else { throw HarnessError("\(made)") }
    }

    /// A root, an intermediate, and a leaf for foobar.test; and what is wrong in one way each, as NAME.crt and NAME.key.
    private static let script = """
        cd "$1"
        key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; chmod 600 "$1"; }
        # NAME FROM TO NAMES: a leaf of the intermediate.
        leaf() { openssl req -new -key good.key -subj "/CN=$4" -out request
            printf 'subjectAltName=DNS:%s\\n' "$4" > extensions
            : > index; openssl rand -hex 16 > serial
            openssl ca -batch -notext -config ca.conf -cert ca.pem -keyfile ca.key -in request -extfile extensions \\
                -startdate "$2" -enddate "$3" -out "$1.leaf" 2>/dev/null
            cat "$1.leaf" ca.pem > "$1.crt"; [ "$1" = good ] || cp good.key "$1.key"; }
        printf '[ca]\\ndefault_ca=one\\n[one]\\ndatabase=index\\nserial=serial\\nnew_certs_dir=.\\n' > ca.conf
        printf 'default_md=sha256\\npolicy=any\\nunique_subject=no\\n[any]\\ncommonName=supplied\\n' >> ca.conf
        key root.key; key ca.key; key good.key; key strange.key
        openssl req -x509 -key root.key -subj "/CN=root" -days 30 -out root.pem
        openssl req -new -key ca.key -subj "/CN=intermediate" -out request
        printf 'basicConstraints=critical,CA:TRUE\\n' > extensions
        openssl x509 -req -in request -CA root.pem -CAkey root.key -days 20 -extfile extensions -out ca.pem 2>/dev/null
        leaf good 20200101000000Z 20900101000000Z foobar.test
        leaf other-name 20200101000000Z 20900101000000Z example.test
        leaf expired 20200101000000Z 20210101000000Z foobar.test
        leaf future 20890101000000Z 20900101000000Z foobar.test
        for name in wrong-key order gap megabyte cut trailing der der-key locked; do cp good.crt $name.crt; cp good.key $name.key; done
        cp strange.key wrong-key.key
        cat ca.pem good.leaf > order.crt
        cat good.leaf root.pem > gap.crt
        openssl req -x509 -key strange.key -subj "/CN=intermediate" -days 20 -out namesake.pem
        cat good.leaf namesake.pem > namesake.crt; cp good.key namesake.key
        # 1,792 times the intermediate: just below the bound for files; and above it.
        cp ca.pem many
        for i in 1 2 3 4 5 6 7 8 9 10; do
            [ $i -lt 9 ] || cat many >> megabyte.crt
            cat many many > more; mv more many
        done
        cat many >> megabyte.crt
        cp megabyte.crt huge.crt; cp good.key huge.key; cat megabyte.crt >> huge.crt
        { cat good.leaf; head -n 3 ca.pem; } > cut.crt
        { cat good.crt; printf -- '-----BEGIN CERTIFICATE-----\\n\\001\\002 garbage\\n'; } > trailing.crt
        openssl x509 -in good.leaf -outform der -out der.crt
        openssl pkey -in good.key -outform der -out der-key.key
        openssl pkey -in good.key -aes128 -passout pass:x -out locked.key
        # After the last block is room for whatever its writer likes.
        { cat good.crt; echo "written by hand"; printf '\\377\\000'; } > notes.crt; cp good.key notes.key
        # NAME EXTENSIONS-OF-LEAF EXTENSIONS-OF-ISSUER
        odd() { openssl req -new -key ca.key -subj "/CN=$1 issuer" -out request
            printf "$3\\n" > extensions
            openssl x509 -req -in request -CA root.pem -CAkey root.key -days 20 -extfile extensions -out issuer.pem 2>/dev/null
            openssl req -new -key good.key -subj /CN=foobar.test -out request
            printf "subjectAltName=DNS:foobar.test\\n$2\\n" > extensions
            openssl x509 -req -in request -CA issuer.pem -CAkey ca.key -days 10 -extfile extensions -out odd.leaf 2>/dev/null
            cat odd.leaf issuer.pem > $1.crt; cp good.key $1.key; }
        odd no-ca "" basicConstraints=critical,CA:FALSE
        odd client-issuer "" 'basicConstraints=critical,CA:TRUE\\nextendedKeyUsage=clientAuth'
        odd for-clients extendedKeyUsage=clientAuth basicConstraints=critical,CA:TRUE
        odd no-signing keyUsage=critical,keyAgreement basicConstraints=critical,CA:TRUE
        odd critical 1.2.3.4.5=critical,ASN1:NULL basicConstraints=critical,CA:TRUE
        odd stapling tlsfeature=status_request basicConstraints=critical,CA:TRUE
        openssl req -new -key good.key -subj /CN=foobar.test -out request
        printf 'subjectAltName=DNS:foobar.test\n' > extensions
        openssl x509 -req -sha1 -in request -CA ca.pem -CAkey ca.key -days 10 -extfile extensions -out sha1.leaf 2>/dev/null
        cat sha1.leaf ca.pem > sha1.crt; cp good.key sha1.key
        cp good.leaf alone.crt; cp good.key alone.key
        # A key whose curve is spelled out, and its certificate: both load, and fail in every handshake.
        openssl ecparam -name prime256v1 -genkey -noout -param_enc explicit -out explicit.key
        openssl req -x509 -key explicit.key -subj "/CN=foobar.test" -addext subjectAltName=DNS:foobar.test -days 30 \\
            -out explicit.crt
        chmod 600 *.key
        """

    private struct Fault: Sendable {
        let name: String
        let says: [String]
    }

    private static let faults: [Fault] = [
        Fault(name: "other-name", says: ["does not cover foobar.test", "correct `names`"]),
        Fault(name: "expired", says: ["expired at 2021-01-01", "renew it"]),
        Fault(name: "future", says: ["not valid before 2089-01-01", "check the clock"]),
        Fault(name: "wrong-key", says: ["does not belong"]),
        Fault(name: "order", says: ["does not belong", "the first certificate must be the key's own"]),
        Fault(name: "gap", says: ["CN=intermediate, whose certificate is missing", "then each issuer in turn"]),
        Fault(name: "namesake", says: ["is of that name, but another key signed", "take the one that its CA gave"]),
        Fault(name: "megabyte", says: ["the chain is broken"]),
        Fault(name: "huge", says: ["larger than 1048576 bytes"]),
        Fault(name: "cut", says: ["PEM block 2 is cut short", "obtain it again"]),
        Fault(name: "trailing", says: ["PEM block 3 is cut short"]),
        Fault(name: "der", says: ["binary (DER)", "openssl x509 -inform der"]),
        Fault(name: "der-key", says: ["binary (DER)", "openssl pkey -inform der"]),
        Fault(name: "explicit", says: ["spells its curve out", "openssl genpkey"]),
        Fault(name: "locked", says: ["passphrase", "openssl pkey"]),
        Fault(name: "sha1", says: ["signed with SHA1", "every handshake"]),
        Fault(name: "no-ca", says: ["CN=no-ca issuer", "may not issue certificates of servers"]),
        Fault(name: "client-issuer", says: ["CN=client-issuer issuer", "may not issue certificates of servers"]),
        Fault(name: "for-clients", says: ["not for servers", "serverAuth"]),
        Fault(name: "no-signing", says: ["lacks digitalSignature"]),
        Fault(name: "critical", says: ["critical extension"]),
        Fault(name: "stapling", says: ["must-staple"]),
        Fault(name: "alone", says: ["CN=intermediate, does not follow it", "the whole chain"]),
    ]

    /// The fingerprint of what a client is shown.
    private func shown() throws -> String { try directory.shown(at: port, "-fingerprint -sha256") }

    private func copy(_ name: String) throws {
        for kind in ["crt", "key"] {
            let done = try run(
                "cp",
                [directory.path("\(name).\(kind)"), directory.path("live.\(kind)")],
                in: directory
            )
            #expect(done.status == 0, "\(done)")
        }
    }

    private func expect(_ result: ToolResult, _ fault: Fault) {
        #expect(result.status != 0, "\(fault.name): \(result)")
        for words in fault.says {
            #expect(result.error.contains(words), "\(fault.name): no \(words) in \(result.error)")
        }
    }

    @Test("in files that the site file names, by a reload")
    func files() throws {
        try copy("good")
        let site = try start("issuer: { files: { certificate: live.crt, key: live.key } }")
        let served = try shown()
        #expect(served.contains("Fingerprint"), "\(site.log)")
        for fault in Self.faults {
            try copy(fault.name)
            expect(try site.command("reload"), fault)
            #expect(try shown() == served, "after \(fault.name)")
        }
        try copy("notes")
        #expect(try site.command("reload").status == 0)
        #expect(try shown() == served)
    }

    @Test("as the first certificate of a gateway that runs: a reload refuses what a start would serve")
    func first() throws {
        let plain = try Ports.free()
        func text(_ listener: String, _ certificates: String) -> String {
            """
            site: foobar.test
            hosts: { here: { roles: [gateway], addresses: [127.0.0.1/8] } }
            gateway:
              listen: [ { port: \(plain) }\(listener) ]
              routes: [ { hosts: [foobar.test], pool: web } ]
              pools: { web: { servers: [ { address: 127.0.0.1, port: \(scene.app.port) } ] } }
            certificate-store: store
            \(certificates)
            """
        }
        let site = try RunningSite(text("", ""), in: directory)
        try copy("stapling")
        let files = "issuer: { files: { certificate: live.crt, key: live.key } }"
        try directory.write(
            text(
                ", { port: \(port), tls: { certificates: [web] } }",
                "certificates: { web: { names: [foobar.test], \(files) } }"
            ),
            to: "site.yaml"
        )
        let refused = try site.command("reload")
        #expect(refused.status != 0 && refused.error.contains("must-staple"), "\(refused) \(site.log)")
        try copy("good")
        let taken = try site.command("reload")
        #expect(taken.status == 0, "\(taken)")
        #expect(try shown().contains("Fingerprint"), "\(site.log)")
    }

    @Test("that has ended, at a start: it is served as it is, and loudly; in place of a good one it never is")
    func ended() throws {
        try copy("expired")
        let site = try start("issuer: { files: { certificate: live.crt, key: live.key } }")
        for words in ["expired at 2021-01-01", "SERVED AS IT IS"] { #expect(site.log.contains(words), "\(site.log)") }
        #expect(try directory.shown(at: port, "-enddate").contains("2021"))
        #expect(try certs("list").status == 1)
        #expect(try site.command("reload").status == 0, "of the same")
        try copy("good")
        #expect(try site.command("reload").status == 0)
        let served = try shown()
        try copy("expired")
        let refused = try site.command("reload")
        #expect(refused.status == 1 && refused.error.contains("expired at 2021-01-01"), "\(refused)")
        #expect(try shown() == served)
    }

    @Test("by `certs import`, and a folder that may not be read")
    func imports() throws {
        let site = try start("issuer: { acme: \"https://127.0.0.1:1/directory\" }")
        let good = ["import", "web", "--certificate", directory.path("good.crt"), "--key", directory.path("good.key")]
        let taken = try directory.certs(good)
        #expect(taken.status == 0, "\(taken) \(site.log)")
        let served = try shown()
        for fault in Self.faults {
            let (chain, key) = (directory.path("\(fault.name).crt"), directory.path("\(fault.name).key"))
            expect(try certs("import", "web", "--certificate", chain, "--key", key), fault)
            #expect(try shown() == served, "after \(fault.name)")
        }
        #expect(try certs("audit").status == 0)
        guard try Unprivileged.canRun(try Gateway.binary, in: directory) else {
            return print("not tried as another user")
        }
        let denied = try directory.certs(good, under: Unprivileged.prefix)
        #expect(denied.status == 3 && denied.error.contains("ermission denied"), "\(denied)")
        // Its files are good, and nobody but its owner gets there.
        let closed = directory.path("live")
        try FileManager.default.createDirectory(atPath: closed, withIntermediateDirectories: false)
        for (from, to) in [("good.crt", "fullchain.pem"), ("good.key", "privkey.pem")] {
            try FileManager.default.copyItem(atPath: directory.path(from), toPath: "\(closed)/\(to)")
        }
        try directory.setMode(0, of: "live")
        defer { try? directory.setMode(0o700, of: "live") }
        let folder = try directory.certs(["import", "web", "--from", closed], under: Unprivileged.prefix)
        #expect(folder.status == 3, "\(folder)")
        #expect(folder.error.contains(closed) && folder.error.contains("ermission denied; let user"), "\(folder)")
        #expect(try shown() == served)
    }

    @Test("two rotations at once: both are done, one after the other, and the last is served")
    func together() throws {
        let site = try start("issuer: internal")
        let first = try shown()
        let both = try (1...2).map { number in
            let reason = "rotation \(number)"
            return try directory.beginCerts(["rotate", "web", "--reason", reason], name: "rotation-\(number)")
        }
        for one in both { #expect(try one.wait(within: .seconds(120)) == 0, "\(one.standardError) \(site.log)") }
        let history = try certs("audit", "web")
        #expect(history.status == 0, "\(history)")
        for number in 1...2 { #expect(history.output.contains(": rotation \(number)\n"), "\(history)") }
        let list = try certs("list")
        #expect(list.status == 0 && list.output.contains("generation 3") && list.output.contains("served"), "\(list)")
        #expect(try shown() != first)
    }

    @Test("a clock that is a year ahead and comes back: what is served is valid at each moment")
    func clock() throws {
        let site = try start("issuer: internal")
        func isServed() throws -> Bool { try directory.answer(at: port) == "app-01" }
        #expect(try isServed())
        // A timer that runs with a wrong clock; the gateway's is right, and so are its clients'.
        let ahead = try directory.certs(["renew"], under: ["faketime", "--exclude-monotonic", "-f", "+366d"])
        #expect(try isServed(), "\(ahead) \(site.log)")
        let wrong = try directory.certs(["rotate", "web"], under: ["faketime", "--exclude-monotonic", "-f", "+366d"])
        #expect(try isServed(), "\(wrong) \(site.log)")
        // And back: the one of the future is found out, and another one made.
        #expect(try certs("renew").status == 0)
        #expect(try isServed())
        let list = try certs("list")
        #expect(list.status == 0, "\(list)")
        #expect(try certs("audit").status == 0)
        let restarted = try certs("verify")
        #expect(restarted.status == 0, "\(restarted)")
    }

    @Test("the store of an older version is served as it is, listed, rotated and verified")
    func older() throws {
        let old = try OlderStore(in: directory, daysLeft: 1000)
        let site = try start("issuer: internal")
        let kept = try run(
            "openssl",
            ["x509", "-in", directory.path("store/web/1/fullchain.pem"), "-noout", "-fingerprint", "-sha256"],
            in: directory
        )
        #expect(try shown() == kept.output, "\(site.log)")
        for command in [["list"], ["verify"]] {
            let said = try directory.certs(command)
            #expect(said.status == 0, "\(said)")
        }
        // It kept no history, and that is what one looks like that somebody took away.
        let history = try directory.certs(["audit"])
        #expect(history.status == 1 && history.error.contains("a version that kept no log"), "\(history)")
        let rotated = try certs("rotate", "web")
        #expect(rotated.status == 0, "\(rotated)")
        #expect(try shown() != kept.output)
        #expect(try certs("rollback", "web").status == 0)
        #expect(try shown() == kept.output)
        #expect(try certs("list").status == 0)
        _ = old
    }

    @Test("a file system that is full: the old generation is whole, and the error says so")
    func fullFileSystem() throws {
        guard geteuid() == 0 else { return print("not tried: only root may mount") }
        try directory.write(
            """
            site: foobar.test
            hosts: { here: { roles: [gateway], addresses: [127.0.0.1/8] } }
            gateway:
              listen: [ { port: \(port), address: [127.0.0.1], tls: { certificates: [web] } } ]
              routes: [ { hosts: [foobar.test], pool: web } ]
              pools: { web: { servers: [ { address: 127.0.0.1, port: 1 } ] } }
            certificate-store: small/store
            certificates: { web: { names: [foobar.test], issuer: internal } }
            """,
            to: "site.yaml"
        )
        try directory.write(Self.mount, to: "mount.sh")
        // In a namespace of its own, so that the mount goes with it.
        let result = try run(
            "unshare",
            ["--mount", "sh", directory.path("mount.sh"), directory.root, try Gateway.binary, "\(port)"],
            in: directory,
            within: .seconds(300)
        )
        #expect(result.status == 0, "\(result)")
        #expect(result.output.contains("No space left on device"), "\(result)")
        #expect(result.output.contains("whole again"), "\(result)")
    }

    private static let mount = """
        cd "$1"
        certs() { what="$1"; shift; "$BINARY" certs "$what" "$@" --site site.yaml --socket admin.sock 2>&1; }
        BINARY="$2" PORT="$3"
        shown() {
            openssl s_client -connect 127.0.0.1:$PORT -servername foobar.test </dev/null 2>/dev/null \
                | openssl x509 -noout -fingerprint
        }
        mkdir small
        mount -t tmpfs -o size=256k,mode=0700 none small || exit 77
        certs issue web || exit 1
        before=$(cat small/store/web/*/fullchain.pem | sha256sum)
        "$BINARY" serve --site site.yaml --socket admin.sock >serve.log 2>&1 &
        gateway=$!
        trap 'kill $gateway; wait $gateway; cat serve.log' EXIT
        for turn in $(seq 600); do served=$(shown); [ -n "$served" ] && break; sleep 0.1; done
        [ -n "$served" ] || exit 7
        # Page by page, until there is room for a part of a generation only.
        room=$(df --output=avail -k small | tail -1)
        for left in 0 4 8 12 16 20; do
            dd if=/dev/zero of=small/ballast bs=1k count=$((room - left)) 2>/dev/null
            certs rotate web && { echo "room for all at $left"; break; }
            certs verify > verify.out && exit 2
            grep -q "certificate web: nothing is wrong with it" verify.out || { cat verify.out; exit 5; }
            for what in verify list; do
                certs $what | grep -q "small/store: No space left on device; make room" || exit 6
            done
            certs audit > audit.out || { cat audit.out; exit 3; }
            [ "$(cat small/store/web/$(cat small/store/web/current)/fullchain.pem | sha256sum)" = "$before" ] || exit 4
            [ "$(shown)" = "$served" ] || exit 8
            rm small/ballast
        done
        rm -f small/ballast
        certs rotate web && certs verify && echo "whole again"
        [ -n "$(shown)" ] && [ "$(shown)" != "$served" ] || exit 9
        """
}
