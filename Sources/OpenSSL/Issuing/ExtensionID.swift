internal import COpenSSL

/// OpenSSL's numbers of the X.509 extensions used here.
internal enum ExtensionID {
    static let basicConstraints = NID_basic_constraints
    static let keyUsage = NID_key_usage
    static let extendedKeyUsage = NID_ext_key_usage
    static let subjectKeyIdentifier = NID_subject_key_identifier
    static let authorityKeyIdentifier = NID_authority_key_identifier
    static let subjectAltName = NID_subject_alt_name
    static let nameConstraints = NID_name_constraints
    static let distributionPoints = NID_crl_distribution_points
    /// id-pe-acmeIdentifier (RFC 8737, section 6.1), which OpenSSL 3.0 does not know until it is told.
    static let acmeIdentifier = makeACMEIdentifier()

    private static func makeACMEIdentifier() -> Int32 {
        let number = "1.3.6.1.5.5.7.1.31"
        let known = unsafe OBJ_txt2nid(number)
        return known == NID_undef ? unsafe OBJ_create(number, "acmeIdentifier", "ACME Identifier") : known
    }
}
