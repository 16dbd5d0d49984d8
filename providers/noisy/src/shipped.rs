//! The devices of 2018, as the files in `devices/` describe them; their origin is in its NOTICE.

use crate::document::{Device, parse};

/// The documents of one device.
macro_rules! documents {
    ($($name:literal),* $(,)?) => {
        &[$((
            concat!("conf_", $name, ".json"),
            include_str!(concat!("../devices/conf_", $name, ".json")),
            concat!("props_", $name, ".json"),
            include_str!(concat!("../devices/props_", $name, ".json")),
        )),*]
    };
}

/// File name and text of configuration and properties.
static DOCUMENTS: &[(&str, &str, &str, &str)] =
    documents!["ibmqx2", "ibmqx4", "ibmqx5", "ibmq_16_melbourne"];

pub(crate) fn devices() -> Vec<Device> {
    let device = |&(conf, configuration, props, properties)| {
        let configuration = parse(configuration, conf, "configuration")?;
        Device::new(configuration, parse(properties, props, "properties")?, [conf, props])
    };
    let devices = DOCUMENTS.iter().map(device).collect::<Result<_, _>>();
    devices.expect("the documents that are built in are valid: a test reads them")
}
