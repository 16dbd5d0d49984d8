use ketch_interface::{Circuit,Qobj,codec::*};
#[test]
fn speed() {
    let mut c = Circuit::new(20,0);
    for i in 0..1_000_000u32 { c = match i%3 {0=>c.h(i%20),1=>c.cx(i%20,(i+1)%20),_=>c.rz(0.1,i%20)}; }
    let q = Qobj::from_circuit(c);
    let t=std::time::Instant::now(); let b=encode_qobj(&q); eprintln!("encode {:?} {} bytes",t.elapsed(),b.len());
    let t=std::time::Instant::now(); let d=decode_qobj(&b).unwrap(); eprintln!("decode {:?}",t.elapsed());
    let t=std::time::Instant::now(); d.circuits()[0].validate().unwrap(); eprintln!("validate {:?}",t.elapsed());
    let t=std::time::Instant::now(); let j=q.to_json().unwrap(); eprintln!("to_json {:?}",t.elapsed());
    let s=j.to_string();
    let t=std::time::Instant::now(); let d2=Qobj::from_json(&s).unwrap(); eprintln!("from_json {:?} {}",t.elapsed(), s.len());
    assert_eq!(d2.circuits()[0], d.circuits()[0]);
}
