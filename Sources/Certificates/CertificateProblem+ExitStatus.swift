import Linux

extension CertificateProblem {
    /// What a command ends with that fails for it, whichever command it is (docs/operating.md): 1, the certificate was
    /// found wanting; 2, what the site file or the command says of it cannot be; 3, the machine does not give it.
    package var exitStatus: Int32 {
        switch self {
        case .deniedStore, .library: 3
        case .file(let error): error.isDenied ? 3 : 1
        case .foreignIssuer, .ofFiles, .issuedHere, .unusableName, .noStandby, .standbyOfFiles, .currentGeneration,
            .noGeneration, .insideStore:
            2
        default: 1
        }
    }
}
