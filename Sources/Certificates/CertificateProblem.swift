package import Linux
package import OpenSSL
package import Site

/// Why certificates could not be loaded, kept or made, with the file where there is one.
package enum CertificateProblem: Error, Equatable, Sendable, CustomStringConvertible {
    case file(FileError)
    /// This user may not read or write the store.
    case deniedStore(folder: String, FileError)
    /// Another process changes the store, and does not come to an end.
    case busyStore(folder: String)
    /// The store is empty, and was not before.
    case vacantStore(folder: String)
    /// The store is one of before, as a backup that was put back.
    case olderStore(folder: String)
    /// The contents of a file are at fault.
    case contents(path: String, CertificateError)
    /// What follows the certificate in this file is not what it came with.
    case changedChain(path: String, name: String)
    /// A file of the internal CA's own, the root or the intermediate, is at fault.
    case damagedAuthority(path: String, name: String, CertificateError)
    /// A list of what the root or the intermediate has taken back is at fault.
    case damagedList(path: String, name: String, CertificateError)
    /// The last list of an intermediate whose key is gone is at fault.
    case damagedLastList(path: String, CertificateError)
    /// There is nothing of this name in the store.
    case missing(name: String, folder: String)
    /// What is served was in the store, and is not any more.
    case vanished(name: String, folder: String)
    /// The folder of the generation that the pointer names is gone.
    case lostGeneration(name: String, folder: String)
    /// There are generations of this name in the store, and its pointer names none.
    case noPointer(path: String, name: String, [Int])
    /// The name cannot be the name of a folder in the store.
    case unusableName(String)
    /// There is no generation before the current one.
    case noEarlierGeneration(name: String)
    /// The generation before the current one was revoked.
    case revoked(name: String, Int)
    /// The generation before the current one lacks hosts of the site file that this one covers.
    case fewerNames(name: String, Int, [String])
    /// Clients are shown this generation: it is neither retired nor revoked.
    case currentGeneration(name: String, Int)
    /// The store knows no such generation.
    case noGeneration(name: String, Int)
    /// The current generation is on trial at these gateways; never empty.
    case onTrial(name: String, [CertificateStore.Trial])
    /// There is no certificate that its CA could take back.
    case nothingToRevoke(name: String)
    /// Somebody else issues this certificate.
    case foreignIssuer(name: String, CertificateSettings.Issuer)
    /// It comes from files, so that the store has no generations of it.
    case ofFiles(name: String)
    /// The internal CA issues this certificate, and did not sign what is brought.
    case issuedHere(name: String)
    /// It does not name every host that the site file says it does.
    case lackingNames(name: String, [String])
    /// It lacks hosts of the site file that the one in its place covers.
    case lostNames(name: String, [String])
    /// It comes without its issuer's certificate, and the one in its place with it.
    case lostIssuer(name: String, issuer: String)
    /// An ACME server gave none.
    case order(name: String, ACMEProblem)
    /// None of several did: each with its directory.
    case orders(name: String, [String: ACMEProblem])
    /// No CA that is known took a generation back: each with its directory. It may be revoked all the same where one
    /// gave no answer.
    case unrevoked(name: String, Int, [String: ACMEProblem], mayBe: Bool)
    /// The key of an account at an ACME server is at fault.
    case accountKey(path: String, folder: String, CertificateError)
    /// An ACME server did not do what was asked of an account or a certificate.
    case server(directory: String, ACMEProblem)
    /// Whoever issued it takes no certificate back.
    case irrevocable(name: String)
    /// The site file has no standby for it.
    case noStandby(name: String)
    /// Its standby is of no use; the words say why.
    case standbyNotReady(name: String, String)
    /// What is in the place of files is their owner's matter.
    case standbyOfFiles(name: String)
    /// A file or folder that is to be elsewhere is in the store.
    case insideStore(path: String, folder: String)
    /// A folder does not hold one certificate with its key, as any program that is known writes them.
    case unknownFolder(String)
    /// The root's key of the internal CA was taken off this machine, and is needed.
    case rootKeyAway(folder: String)
    /// The internal CA that the history tells of is not in its store.
    case lostAuthority(folder: String)
    /// The internal CA's root is not the last that the history tells of.
    case foreignRoot(fingerprint: String, folder: String)
    /// The key that was brought is another's than the root's.
    case foreignRootKey(path: String, folder: String, subject: String)
    /// The site file keeps the internal CA from certifying these names.
    case excludedNames([String], permitted: String)
    /// The internal CA's intermediate may not certify these names, and the root's key is needed for another one.
    case constrainedNames([String], permitted: String, folder: String)
    /// A key that was to be deleted is still there.
    case keyRemains(FileError)
    /// The current generation has the key of this one, which is known to somebody.
    case sameKey(name: String, generation: Int)
    /// The key that signed a certificate of the internal CA is not there any more.
    case unknownSigner(subject: String, folder: String)
    /// The program that is to be run after a rotation failed.
    case deployment(name: String, String)
    /// Another process is about to make it: which, where that is known.
    case beingMade(name: String, CertificateClaim?)
    /// Before another one was begun a command or a gateway changed what there is, or went back to one.
    case overtaken(name: String)
    /// While its CA was asked for another one, an operator went back to the one before, or clients refused one: until that moment
    /// what is there stays.
    case goneBack(name: String, until: Int64)
    /// While its CA was asked for another one, an operator put one there.
    case putThere(name: String)
    /// While its CA was asked, the running gateway has read a site file that asks for something else.
    case otherWish(name: String, ordered: String, wanted: String)
    /// The audit log cannot be gone on with.
    case audit(path: String, String)
    /// OpenSSL failed on its own account.
    case library(OpenSSLError)
    /// It passed all looks at it, and clients do not get it; the words say what they get.
    case refused(String)
    /// What was made does not hold together.
    case issued(CertificateError)

    package var description: String {
        switch self {
        case .file(let error): error.description
        case .deniedStore(let folder, let error):
            "the certificate store \(folder) cannot be used (\(error.fault)); "
                + (error.isReadOnly
                    ? "mount its file system for writing (`findmnt -T \(folder)`), have the unit let it in where systemd runs "
                        + "gatehouse (`ReadWritePaths=\(folder)`, by `systemctl edit`), or name a folder elsewhere "
                    : Privileges.isRoot
                        ? "see what keeps root from it (`findmnt -T \(folder)`, `lsattr -d \(folder)`), or name another folder "
                        : "run gatehouse as root, or name a folder of this user's ")
                + "with `certificate-store` in the site file"
        case .busyStore(let folder):
            "the certificate store \(folder) is being changed by another process for 10 s: wait for that, or see which it is "
                + "(`fuser \(folder)/.lock`) and what holds it up"
        case .vacantStore(let folder):
            "the certificate store \(folder) IS EMPTY, AND WAS NOT BEFORE: mount its file system (`findmnt -T \(folder)`), or bring "
                + "back what was in it; when it is to be made anew, stop the gateway and start it"
        case .olderStore(let folder):
            "the certificate store \(folder) IS ONE OF BEFORE: its history ends before what the gateway has read of it, as a backup's "
                + "does. A key that was stolen since then is in use in it, and no list tells of what was revoked: nothing is taken "
                + "from it, or made in it, until the newer one is back; when this one is meant, stop the gateway and start it, and "
                + "rotate, retire and revoke again what had been (`gatehouse certs audit` tells of what is known)"
        case .contents(let path, let error): "\(path): \(error)"
        case .changedChain(let path, let name):
            "\(path): what follows the certificate IS NOT WHAT IT CAME WITH, as the audit log tells: it is damaged, or somebody "
                + "changed it: bring it back from a backup" + Self.otherWay(than: name)
        case .damagedAuthority(let path, let name, let error):
            // Its reader thinks of one that somebody else issued.
            "\(path), of the internal CA: \("\(error)".prefix { $0 != ";" }): bring it back from a backup"
                + Self.otherWay(than: name)
        case .damagedList(let path, InternalCA.rootName, let error):
            "\(path): \(error); nobody can read which intermediates were taken back: bring this list back from a backup, or "
                + "remove it and take all back that came before (`gatehouse certs ca renew --revoke superseded`)"
        case .damagedList(let path, _, let error):
            "\(path): \(error): bring this list back from a backup, or remove it, which has the next one made anew, and put on that "
                + "again what `gatehouse certs audit` tells of as revoked (`gatehouse certs retire NAME --revoke REASON "
                + "--generation NUMBER`)"
        case .damagedLastList(let path, let error):
            "\(path): \(error): bring this list back from a backup, or remove it: none is made anew, since the key of this "
                + "intermediate is gone, and clients who look at lists refuse what it signed"
        case .vanished(let name, let folder):
            "\(folder)/\(name) IS GONE, and what was in it is served: bring it back from a backup, or run `gatehouse certs issue "
                + "\(name)` for another one, before the gateway starts again"
        case .missing(InternalCA.rootName, let folder):
            "\(folder): there is no root of the internal CA; where there was never one, `gatehouse certs ca init` makes it. One that "
                + "was lost is not made again, since clients would not trust it: bring \(InternalCA.rootName) back from a "
                + "backup, or move \(InternalCA.intermediateName) out of the store, too, run `gatehouse certs ca init`, and "
                + "bring clients the new root (`gatehouse certs ca export`)"
        case .lostAuthority(let folder):
            "\(folder): THE INTERNAL CA IS GONE, which the audit log tells of. No other is made by itself, since clients would not "
                + "trust it: bring \(InternalCA.rootName) and \(InternalCA.intermediateName) back from a backup; where there is "
                + "none, `gatehouse certs ca init` makes a new one, and all certificates are replaced by its, which clients "
                + "refuse until they have its root (`gatehouse certs ca export`)"
        case .foreignRoot(let fingerprint, let folder):
            "\(folder): THE ROOT OF THE INTERNAL CA IS ANOTHER, \(fingerprint.prefix(16))…, than the audit log tells of last. Nothing "
                + "is replaced by what it vouches for, since clients would not trust it: bring \(InternalCA.rootName) and "
                + "\(InternalCA.intermediateName) back as they were; when this is to be the root, `gatehouse certs ca init` says so, "
                + "and all certificates are replaced by its, which clients refuse until they have it (`gatehouse certs ca export`)"
        case .missing(InternalCA.intermediateName, let folder):
            "\(folder): there is no intermediate of the internal CA; `gatehouse certs ca init` makes it"
        case .missing(let name, let folder):
            "\(folder): there is no certificate \(name); run `gatehouse certs issue \(name)`"
        case .lostGeneration(let name, let folder):
            "\(folder) IS GONE, which the file `current` beside it names: bring it back from a backup"
                + Self.otherWay(than: name)
        case .noPointer(let path, let name, let numbers):
            "\(path): it names no generation, of which there are \(numbers.suffix(9).map(String.init).joined(separator: ", ")): "
                + "write the number of the one that `gatehouse certs audit \(name)` tells of last into it"
                + (InternalCA.isOwn(name)
                    ? "" : ", or run `gatehouse certs issue \(name)` for a new one")
        case .unusableName(let name):
            "\"\(name)\" cannot name a certificate: use letters, digits, dots, hyphens, underscores and *"
        case .noEarlierGeneration(let name):
            "certificate \(name): there is no earlier generation to go back to; "
                + "`gatehouse certs rotate \(name)` makes a new one"
        case .revoked(let name, let number):
            "certificate \(name): generation \(number) was revoked, so there is no way back to it; "
                + "`gatehouse certs rotate \(name)` makes a new one"
        case .fewerNames(let name, let number, let lost):
            "certificate \(name): generation \(number) does not cover \(lost.joined(separator: ", ")), which the site file names and "
                + "the current one covers, so there is no way back to it; `gatehouse certs rotate \(name)` makes a new one"
        case .currentGeneration(let name, let number):
            "certificate \(name): clients are shown generation \(number); `gatehouse certs rotate \(name)` first"
        case .noGeneration(let name, let number):
            "certificate \(name): the store has no generation \(number); `gatehouse certs audit \(name)` tells of all"
        case .onTrial(let name, let trials):
            "certificate \(name): the current generation is on trial, and "
                + trials.map { trial in
                    "most clients are shown generation \(trial.inForce) at \(trial.gateway), until \(UTC.text(trial.end))"
                }.joined(separator: ", ")
                + " at the latest: nothing is retired or revoked before that; --compromised ends it at once"
        case .nothingToRevoke(let name):
            "certificate \(name): the store has no certificate to revoke but the one that clients are shown; "
                + "`gatehouse certs rotate \(name)` first"
        case .foreignIssuer(let name, .acme):
            "certificate \(name): its issuer is an ACME server and not the internal CA"
        case .foreignIssuer(let name, _):
            "certificate \(name): the site file takes it from files; write `issuer: internal` to have it issued here"
        case .ofFiles(let name):
            "certificate \(name): the site file takes it from files, so the store has none of it: whoever writes the files "
                + "brings another, or the one before"
        case .issuedHere(let name):
            "certificate \(name): the internal CA issues it, and would replace what is brought at once; name its files "
                + "or its ACME server as `issuer` in the site file"
        case .lackingNames(let name, let missing):
            "certificate \(name): it does not cover \(missing.joined(separator: ", ")), which the site file names; "
                + "have it issued for these, or correct `names`"
        case .lostNames(let name, let lost):
            "certificate \(name): it does not cover \(lost.joined(separator: ", ")), which the site file names and the one that "
                + "is served covers; have it issued for all of them, or correct `names`"
        case .lostIssuer(let name, let issuer):
            "certificate \(name): the certificate of its issuer, \(issuer), does not follow it, as it does in the one that is "
                + "served; clients who do not know that issuer refuse it: take the file with the whole chain, or append it"
        case .order(let name, let problem): "certificate \(name): \(problem)"
        case .orders(let name, let problems):
            "certificate \(name): \(Self.list(problems))"
        case .unrevoked(let name, let number, let problems, let mayBe):
            "certificate \(name): "
                + (mayBe
                    ? "NOBODY KNOWS whether generation \(number) was revoked" : "generation \(number) was not revoked")
                + ": \(Self.list(problems)); run this again when its CA can be asked; where another one issued it, "
                + "name that in the site file, as `fallback: { acme: … }` of `issuer`"
        case .accountKey(let path, let folder, let error):
            "\(path), the key of an account at an ACME server: \("\(error)".prefix { $0 != ";" }): bring it back from a "
                + "backup, or move \(folder) out of the store, and the next order makes another account"
        case .server(let directory, let problem): "\(directory): \(problem)"
        case .irrevocable(let name):
            "certificate \(name): it comes from files: whoever issued it revokes it"
        case .noStandby(let name):
            "certificate \(name): the site file has no `standby` for it, another issuer whose certificate is kept ready; write "
                + "one beside `issuer`"
        case .standbyNotReady(let name, let why): "certificate \(name): its standby is of no use: \(why)"
        case .standbyOfFiles(let name):
            "certificate \(name): it comes from files, so put the standby there: "
                + "`gatehouse certs export \(name)\(CertificateSettings.standbySuffix) --out FOLDER`"
        case .insideStore(let path, let folder):
            "\(path): this is in the certificate store \(folder), which Gatehouse alone writes; name a place elsewhere"
        case .unknownFolder(let path):
            "\(path): neither a folder of certbot's, with fullchain.pem and privkey.pem, nor of Caddy's, with one "
                + ".crt and its .key; name the two files with --certificate and --key"
        case .rootKeyAway(let folder):
            "\(folder): the key of the internal CA's root is not on this machine; bring it, and run "
                + "`gatehouse certs ca renew --root-key FILE`"
        case .foreignRootKey(let path, let folder, let subject):
            "\(path): this key does not belong to the root of the store \(folder), \(subject); name the file that "
                + "`gatehouse certs ca detach` wrote with --root-key; nothing was changed"
        case .excludedNames(let names, let permitted):
            "the internal CA may certify \(permitted) alone, and not \(names.joined(separator: ", ")): add what is missing to "
                + "`names` of `internal-ca` in the site file"
        case .constrainedNames(let names, let permitted, let folder):
            "\(folder): the intermediate of the internal CA may certify \(permitted) alone, and not "
                + "\(names.joined(separator: ", ")); another one needs the root's key, which is not on this machine: bring "
                + "it, and run `gatehouse certs ca renew --root-key FILE`"
        case .keyRemains(let error):
            "\(error.fault): THE KEY COULD NOT BE DELETED and is still on this machine; see what keeps it there (`lsattr`, "
                + "`findmnt -T`), and delete it by hand: `shred -u \(error.path)`"
        case .sameKey(let name, let generation):
            "certificate \(name): the current generation has the same key as generation \(generation), which would stay in "
                + "use: run `gatehouse certs rotate \(name) --new-key` first; nothing was revoked or deleted"
        case .unknownSigner(let subject, let folder):
            "\(folder): the key that signed the certificate of \(subject) is not there any more, so that it cannot be "
                + "revoked; it is good until it ends, or until clients trust another root"
        case .deployment(let name, let why):
            "certificate \(name): it is in force, but was not deployed: \(why); "
                + "`gatehouse certs deploy \(name)` tries again"
        case .audit(let path, let why):
            "\(path): \(why); keep the file for whoever looks into it, and move it away so that a new one begins"
        case .beingMade(let name, let claim):
            "certificate \(name): "
                + (claim.map { "\($0); \($0.advice)" }
                    ?? "another process is making it; wait for that, and see `gatehouse certs list`")
        case .overtaken(let name):
            "certificate \(name): another one was put in its place meanwhile; see `gatehouse certs list`"
        case .goneBack(let name, let moment):
            "certificate \(name): what its CA gave is not put into force, since the one before was gone back to while it was "
                + "asked; the next one is made at \(UTC.text(moment)), or by `gatehouse certs rotate \(name)`"
        case .putThere(let name):
            "certificate \(name): what its CA gave is not put into force, since `certs standby` or `certs import` put another one there "
                + "while it was asked: that stays until it is due, or until `gatehouse certs rotate \(name)`"
        case .otherWish(let name, let ordered, let wanted):
            "certificate \(name): what its CA gave is not put into force, since the gateway has read another site file while it was "
                + "asked: that asks for \(wanted), and this was ordered for \(ordered). See `gatehouse certs list`: what is missing "
                + "there, `gatehouse certs rotate \(name)` makes by the site file as it is now"
        case .library(let error): error.description
        case .refused(let why): "\(why); the one before is served again"
        case .issued(let error): error.description
        }
    }

    /// What helps, besides a backup, where what the store has of `name` is lost or damaged.
    private static func otherWay(than name: String) -> String {
        switch name {
        case InternalCA.rootName:
            ", or move \(InternalCA.rootName) and \(InternalCA.intermediateName) out of the store, run `gatehouse certs ca "
                + "init`, and bring clients the new root (`gatehouse certs ca export`)"
        case InternalCA.intermediateName: ", or run `gatehouse certs ca renew` for another one"
        default:
            "; or `gatehouse certs rotate \(name)` makes another, and `gatehouse certs rollback \(name)` goes back to the one "
                + "before"
        }
    }

    private static func list(_ problems: [String: ACMEProblem]) -> String {
        problems.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: "; ")
    }

    /// The same for a message about one certificate, which is named once.
    package func text(of name: String) -> String {
        let start = "certificate \(name): "
        return "\(self)".hasPrefix(start) ? "\(self)" : start + "\(self)"
    }
}
